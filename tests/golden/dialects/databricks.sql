-- attribute_text
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(STARTSWITH(CAST(`p`.`country` AS STRING), 'G'), FALSE)

-- attribute_order
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(CAST(`p`.`country` AS STRING) > 'GB', FALSE)

-- attribute_pattern
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(RLIKE(CAST(`p`.`country` AS STRING), '^G[^\\n][0-9]\\z'), FALSE)

-- attribute_number
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(
    (
      CASE
        WHEN NOT ISNAN(CAST(`p`.`score` AS DOUBLE))
        THEN CAST(`p`.`score` AS DOUBLE)
      END >= CAST('1.0' AS DOUBLE)
    )
    AND (
      CASE
        WHEN NOT ISNAN(CAST(`p`.`score` AS DOUBLE))
        THEN CAST(`p`.`score` AS DOUBLE)
      END < CAST('2.0' AS DOUBLE)
    ),
    FALSE
  )

-- attribute_date
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(
    (
      `p`.`born` > CAST('2022-05-14' AS DATE)
    )
    AND (
      `p`.`born` <= CAST('2025-05-14' AS DATE)
    ),
    FALSE
  )

-- attribute_instant
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(
    (
      `p`.`seen` >= CAST('2025-05-01 00:00:00.000000+00:00' AS TIMESTAMP)
    )
    AND (
      `p`.`seen` < CAST('2025-05-02 00:00:00.000000+00:00' AS TIMESTAMP)
    ),
    FALSE
  )

-- anniversary
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE((
    (
      MONTH(`p`.`born`) * 100
    ) + DAY(`p`.`born`)
  ) IN (515, 516), FALSE)

-- attribute_list
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(
    CASE
      WHEN NOT (
        TRANSFORM(`p`.`tags`, x -> CAST(`x` AS STRING)) IS NULL
      )
      THEN COALESCE(
        ARRAYS_OVERLAP(TRANSFORM(`p`.`tags`, x -> CAST(`x` AS STRING)), ARRAY('a', 'b')),
        FALSE
      )
    END,
    FALSE
  )

-- blank
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  (
    NOT (
      NOT (
        `p`.`country` IS NULL
      )
    )
  )
  OR COALESCE(BTRIM(`p`.`country`, '\t\n\013\014\r                  　') = '', FALSE)

-- did
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    COUNT(*) FILTER(WHERE
      (
        CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\'
      )
      AND (
        `e`.`occurred_at` > CAST('2025-05-07 12:00:00.000000+00:00' AS TIMESTAMP)
      )) AS `f0`
  FROM `events` AS `e`
  WHERE
    (
      `e`.`event` = 'page_viewed'
    )
    AND (
      `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
    )
    AND (
      `e`.`occurred_at` >= CAST('2025-05-07 12:00:00.000000+00:00' AS TIMESTAMP)
    )
    AND (
      (
        CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\'
      )
      AND (
        `e`.`occurred_at` > CAST('2025-05-07 12:00:00.000000+00:00' AS TIMESTAMP)
      )
    )
  GROUP BY
    `e`.`profile_id`
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
LEFT JOIN `rule_events_0`
  ON `p`.`profile_id` = `rule_events_0`.`profile_id`
WHERE
  COALESCE(COALESCE(`rule_events_0`.`f0`, 0) >= CAST('3.0' AS DOUBLE), FALSE)

-- total
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    SUM(CAST(`e`.`properties`.`cents` AS DOUBLE)) AS `f0`
  FROM `events` AS `e`
  WHERE
    (
      `e`.`event` = 'bought'
    )
    AND (
      `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
    )
  GROUP BY
    `e`.`profile_id`
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
LEFT JOIN `rule_events_0`
  ON `p`.`profile_id` = `rule_events_0`.`profile_id`
WHERE
  COALESCE(COALESCE(`rule_events_0`.`f0`, 0) > CAST('900.0' AS DOUBLE), FALSE)

-- distinct
WITH `rule_events` AS (
  SELECT
    `e`.`profile_id`,
    COUNT(DISTINCT CAST(`e`.`properties`.`page` AS STRING)) AS `f0`
  FROM `events` AS `e`
  WHERE
    `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
  GROUP BY
    `e`.`profile_id`
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
LEFT JOIN `rule_events`
  ON `p`.`profile_id` = `rule_events`.`profile_id`
WHERE
  COALESCE(COALESCE(`rule_events`.`f0`, 0) >= CAST('2.0' AS DOUBLE), FALSE)

-- last
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    MAX(`e`.`occurred_at`) FILTER(WHERE
      CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\') AS `f0`,
    MAX(`e`.`occurred_at`) FILTER(WHERE
      NOT COALESCE(CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\', FALSE)) AS `f1`
  FROM `events` AS `e`
  WHERE
    (
      `e`.`event` = 'page_viewed'
    )
    AND (
      `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
    )
    AND (
      (
        CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\'
      )
      OR (
        NOT COALESCE(CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\', FALSE)
      )
    )
  GROUP BY
    `e`.`profile_id`
), `rule_tie_0` AS (
  SELECT
    `t`.`profile_id`
  FROM (
    SELECT
      `e`.`profile_id`,
      MAX_BY(
        COALESCE(CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\', FALSE),
        STRUCT(`e`.`occurred_at`, COALESCE(CAST(`e`.`event_id` AS STRING), ''))
      ) FILTER(WHERE
        NOT (
          COALESCE(CAST(`e`.`properties`.`page` AS STRING) = 'it\'s /pricing\n\\', FALSE) IS NULL
        )) AS `has`
    FROM `events` AS `e`
    WHERE
      (
        `e`.`event` = 'page_viewed'
      )
      AND (
        `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
      )
      AND (
        `e`.`profile_id` IN (
          SELECT
            `profile_id`
          FROM `rule_events_0`
          WHERE
            `rule_events_0`.`f0` = `rule_events_0`.`f1`
        )
      )
    GROUP BY
      `e`.`profile_id`
  ) AS `t`
  WHERE
    `t`.`has`
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
LEFT JOIN `rule_events_0`
  ON `p`.`profile_id` = `rule_events_0`.`profile_id`
WHERE
  COALESCE(`rule_events_0`.`f0` > `rule_events_0`.`f1`, FALSE)
  OR (
    (
      NOT (
        `rule_events_0`.`f0` IS NULL
      )
    )
    AND (
      `rule_events_0`.`f1` IS NULL
    )
  )
  OR (
    `p`.`profile_id` IN (
      SELECT
        `profile_id`
      FROM `rule_tie_0`
    )
  )

-- sequence
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    MIN(`e`.`occurred_at`) AS `f0`
  FROM `events` AS `e`
  WHERE
    (
      `e`.`event` = 'a'
    )
    AND (
      `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
    )
  GROUP BY
    `e`.`profile_id`
), `rule_events_1` AS (
  SELECT
    `e`.`profile_id`,
    MAX(`e`.`occurred_at`) AS `f0`
  FROM `events` AS `e`
  WHERE
    (
      `e`.`event` = 'b'
    )
    AND (
      `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
    )
  GROUP BY
    `e`.`profile_id`
), `rule_hopeful_0` AS (
  SELECT
    `p`.`profile_id`
  FROM `profiles` AS `p`
  LEFT JOIN `rule_events_0`
    ON `p`.`profile_id` = `rule_events_0`.`profile_id`
  LEFT JOIN `rule_events_1`
    ON `p`.`profile_id` = `rule_events_1`.`profile_id`
  WHERE
    COALESCE(`rule_events_0`.`f0` <= `rule_events_1`.`f0`, FALSE)
), `rule_steps_1` AS (
  SELECT
    *
  FROM (
    SELECT
      `e`.`profile_id`,
      `e`.`occurred_at`,
      ROW_NUMBER() OVER (
        PARTITION BY `e`.`profile_id`
        ORDER BY `e`.`occurred_at` NULLS LAST, COALESCE(CAST(`e`.`event_id` AS STRING), '') NULLS LAST
      ) AS `place`,
      `e`.`event` = 'a' AS `m0`,
      `e`.`event` = 'b' AS `m1`
    FROM `events` AS `e`
    WHERE
      (
        `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
      )
      AND (
        `e`.`event` IN ('a', 'b')
      )
      AND (
        `e`.`profile_id` IN (
          SELECT
            `profile_id`
          FROM `rule_hopeful_0`
        )
      )
      AND (
        (
          `e`.`event` = 'a'
        ) OR (
          `e`.`event` = 'b'
        )
      )
  ) AS `o`
  WHERE
    `o`.`m0` OR `o`.`m1`
), `rule_chain_2` AS (
  SELECT
    *,
    CASE WHEN `s`.`m0` THEN `s`.`occurred_at` + MAKE_DT_INTERVAL(0, 0, 0, 172800) END AS `d0`
  FROM `rule_steps_1` AS `s`
), `rule_chain_3` AS (
  SELECT
    *,
    CASE
      WHEN `s`.`m1`
      AND (
        MAX(
          CASE
            WHEN NOT (
              `s`.`d0` IS NULL
            )
            THEN `s`.`occurred_at` + MAKE_DT_INTERVAL(0, 0, 0, 86400)
          END
        ) OVER (
          PARTITION BY `s`.`profile_id`
          ORDER BY `s`.`place` NULLS LAST
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) >= `s`.`occurred_at`
      )
      THEN MAX(`s`.`d0`) OVER (
        PARTITION BY `s`.`profile_id`
        ORDER BY `s`.`place` NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      )
    END AS `d1`
  FROM `rule_chain_2` AS `s`
), `rule_sequence_4` AS (
  SELECT DISTINCT
    `s`.`profile_id`
  FROM `rule_chain_3` AS `s`
  WHERE
    COALESCE(`s`.`occurred_at` <= `s`.`d1`, FALSE)
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  `p`.`profile_id` IN (
    SELECT
      `profile_id`
    FROM `rule_sequence_4`
  )

-- absent
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    MIN(`e`.`occurred_at`) AS `f0`
  FROM `events` AS `e`
  WHERE
    (
      `e`.`event` = 'a'
    )
    AND (
      `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
    )
  GROUP BY
    `e`.`profile_id`
), `rule_hopeful_0` AS (
  SELECT
    `p`.`profile_id`
  FROM `profiles` AS `p`
  LEFT JOIN `rule_events_0`
    ON `p`.`profile_id` = `rule_events_0`.`profile_id`
  WHERE
    NOT (
      `rule_events_0`.`f0` IS NULL
    )
), `rule_steps_1` AS (
  SELECT
    *
  FROM (
    SELECT
      `e`.`profile_id`,
      `e`.`occurred_at`,
      ROW_NUMBER() OVER (
        PARTITION BY `e`.`profile_id`
        ORDER BY `e`.`occurred_at` NULLS LAST, COALESCE(CAST(`e`.`event_id` AS STRING), '') NULLS LAST
      ) AS `place`,
      `e`.`event` = 'a' AS `m0`,
      `e`.`event` = 'b' AS `m1`
    FROM `events` AS `e`
    WHERE
      (
        `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
      )
      AND (
        `e`.`event` IN ('a', 'b')
      )
      AND (
        `e`.`profile_id` IN (
          SELECT
            `profile_id`
          FROM `rule_hopeful_0`
        )
      )
      AND (
        (
          `e`.`event` = 'a'
        ) OR (
          `e`.`event` = 'b'
        )
      )
  ) AS `o`
  WHERE
    `o`.`m0` OR `o`.`m1`
), `rule_chain_2` AS (
  SELECT
    *,
    CASE WHEN `s`.`m0` THEN CAST('9999-12-31 00:00:00+00:00' AS TIMESTAMP) END AS `d0`
  FROM `rule_steps_1` AS `s`
), `rule_chain_3` AS (
  SELECT
    *,
    CASE
      WHEN (
        (
          `s`.`occurred_at` + MAKE_DT_INTERVAL(0, 0, 0, 86400)
        ) <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
      )
      AND COALESCE(
        MIN(CASE WHEN `s`.`m1` THEN `s`.`occurred_at` END) OVER (
          PARTITION BY `s`.`profile_id`
          ORDER BY `s`.`occurred_at` NULLS LAST
          RANGE BETWEEN INTERVAL '1' MICROSECOND FOLLOWING AND UNBOUNDED FOLLOWING
        ) > (
          `s`.`occurred_at` + MAKE_DT_INTERVAL(0, 0, 0, 86400)
        ),
        TRUE
      )
      THEN `s`.`d0`
    END AS `d1`
  FROM `rule_chain_2` AS `s`
), `rule_sequence_4` AS (
  SELECT DISTINCT
    `s`.`profile_id`
  FROM `rule_chain_3` AS `s`
  WHERE
    COALESCE(`s`.`occurred_at` <= `s`.`d1`, FALSE)
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  `p`.`profile_id` IN (
    SELECT
      `profile_id`
    FROM `rule_sequence_4`
  )

-- regularly
WITH `rule_regularly_0` AS (
  SELECT
    `k`.`profile_id`
  FROM (
    SELECT
      `e`.`profile_id`,
      `w`.`n`
    FROM `events` AS `e`
    JOIN VALUES
      (
        0,
        CAST('2025-05-05 00:00:00.000000+00:00' AS TIMESTAMP),
        CAST('2025-05-12 00:00:00.000000+00:00' AS TIMESTAMP)
      ),
      (
        1,
        CAST('2025-04-28 00:00:00.000000+00:00' AS TIMESTAMP),
        CAST('2025-05-05 00:00:00.000000+00:00' AS TIMESTAMP)
      ),
      (
        2,
        CAST('2025-04-21 00:00:00.000000+00:00' AS TIMESTAMP),
        CAST('2025-04-28 00:00:00.000000+00:00' AS TIMESTAMP)
      ) AS `w`(`n`, `low`, `high`)
      ON (
        `e`.`occurred_at` >= `w`.`low`
      ) AND (
        `e`.`occurred_at` < `w`.`high`
      )
    WHERE
      (
        `e`.`event` = 'a'
      )
      AND (
        `e`.`occurred_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
      )
      AND (
        `e`.`occurred_at` >= CAST('2025-04-21 00:00:00.000000+00:00' AS TIMESTAMP)
      )
    GROUP BY
      `e`.`profile_id`,
      `w`.`n`
    HAVING
      COUNT(*) >= 1
  ) AS k
  GROUP BY
    `k`.`profile_id`
  HAVING
    COUNT(*) >= 2
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  `p`.`profile_id` IN (
    SELECT
      `profile_id`
    FROM `rule_regularly_0`
  )

-- related
WITH `rule_related_0` AS (
  SELECT
    `r`.`profile_id`,
    COUNT(*) FILTER(WHERE
      CASE
        WHEN NOT ISNAN(CAST(`r`.`amount` AS DOUBLE))
        THEN CAST(`r`.`amount` AS DOUBLE)
      END > CAST('10.0' AS DOUBLE)) AS `f0`
  FROM `transaction` AS `r`
  WHERE
    CASE
      WHEN NOT ISNAN(CAST(`r`.`amount` AS DOUBLE))
      THEN CAST(`r`.`amount` AS DOUBLE)
    END > CAST('10.0' AS DOUBLE)
  GROUP BY
    `r`.`profile_id`
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
LEFT JOIN `rule_related_0`
  ON `p`.`profile_id` = `rule_related_0`.`profile_id`
WHERE
  COALESCE(`rule_related_0`.`f0`, 0) >= 2

-- consent
WITH `rule_consent` AS (
  SELECT
    `c`.`profile_id`,
    MAX_BY(`c`.`status`, STRUCT(`c`.`captured_at`, `c`.`status` = 'denied', `c`.`status`)) FILTER(WHERE
      (
        `c`.`purpose` = 'ads'
      ) AND (
        NOT (
          `c`.`status` IS NULL
        )
      )) AS `f0`
  FROM `consent` AS `c`
  WHERE
    (
      `c`.`captured_at` <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMP)
    )
    AND (
      `c`.`purpose` = 'ads'
    )
  GROUP BY
    `c`.`profile_id`
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
LEFT JOIN `rule_consent`
  ON `p`.`profile_id` = `rule_consent`.`profile_id`
WHERE
  COALESCE(`rule_consent`.`f0` = 'granted', FALSE)

-- list
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  `p`.`profile_id` IN (
    SELECT
      `l`.`profile_id`
    FROM `vip` AS `l`
    WHERE
      NOT (
        `l`.`profile_id` IS NULL
      )
  )

-- sample
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  (
    (
      CAST(CONV(SUBSTR(MD5('x:' || CAST(`p`.`profile_id` AS STRING)), 1, 8), 16, 10) AS DOUBLE) / CAST('4294967296.0' AS DOUBLE)
    ) * CAST('100.0' AS DOUBLE) >= CAST('0.0' AS DOUBLE)
  )
  AND (
    (
      CAST(CONV(SUBSTR(MD5('x:' || CAST(`p`.`profile_id` AS STRING)), 1, 8), 16, 10) AS DOUBLE) / CAST('4294967296.0' AS DOUBLE)
    ) * CAST('100.0' AS DOUBLE) < CAST('10.0' AS DOUBLE)
  )

-- top
WITH `rule_top_0` AS (
  SELECT
    `p`.`profile_id`
  FROM `profiles` AS `p`
  WHERE
    NOT (
      CASE
        WHEN NOT ISNAN(CAST(`p`.`score` AS DOUBLE))
        THEN CAST(`p`.`score` AS DOUBLE)
      END IS NULL
    )
  ORDER BY
    CASE
      WHEN NOT ISNAN(CAST(`p`.`score` AS DOUBLE))
      THEN CAST(`p`.`score` AS DOUBLE)
    END DESC,
    CAST(`p`.`profile_id` AS STRING) ASC NULLS LAST
  LIMIT 5
)
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  `p`.`profile_id` IN (
    SELECT
      `profile_id`
    FROM `rule_top_0`
  )
