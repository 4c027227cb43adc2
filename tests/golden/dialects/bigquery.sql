-- attribute_text
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(starts_with(CAST(`p`.`country` AS STRING), 'G'), FALSE)

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
  COALESCE(regexp_contains(CAST(`p`.`country` AS STRING), '^G.\\d$'), FALSE)

-- attribute_number
SELECT
  `p`.`profile_id`
FROM `profiles` AS `p`
WHERE
  COALESCE(
    (
      CASE
        WHEN NOT is_nan(CAST(`p`.`score` AS FLOAT64))
        THEN CAST(`p`.`score` AS FLOAT64)
      END >= CAST('1.0' AS FLOAT64)
    )
    AND (
      CASE
        WHEN NOT is_nan(CAST(`p`.`score` AS FLOAT64))
        THEN CAST(`p`.`score` AS FLOAT64)
      END < CAST('2.0' AS FLOAT64)
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
  COALESCE(
    (
      (
        EXTRACT(MONTH FROM `p`.`born`) * 100
      ) + EXTRACT(DAY FROM `p`.`born`)
    ) IN (515, 516),
    FALSE
  )

-- attribute_list
refused: looks into a list

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
  OR COALESCE(trim(`p`.`country`, '\t\n\v\f\r                  　') = '', FALSE)

-- did
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    COUNT(
      CASE
        WHEN (
          CAST(`e`.`page` AS STRING) = 'it\'s /pricing\n\\'
        )
        AND (
          `e`.`occurred_at` > CAST('2025-05-07 12:00:00.000000+00:00' AS TIMESTAMP)
        )
        THEN 1
      END
    ) AS `f0`
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
        CAST(`e`.`page` AS STRING) = 'it\'s /pricing\n\\'
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
  COALESCE(COALESCE(`rule_events_0`.`f0`, 0) >= CAST('3.0' AS FLOAT64), FALSE)

-- total
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    sum(CAST(`e`.`cents` AS FLOAT64)) AS `f0`
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
  COALESCE(COALESCE(`rule_events_0`.`f0`, 0) > CAST('900.0' AS FLOAT64), FALSE)

-- distinct
WITH `rule_events` AS (
  SELECT
    `e`.`profile_id`,
    COUNT(DISTINCT CAST(`e`.`page` AS STRING)) AS `f0`
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
  COALESCE(COALESCE(`rule_events`.`f0`, 0) >= CAST('2.0' AS FLOAT64), FALSE)

-- last
WITH `rule_events_0` AS (
  SELECT
    `e`.`profile_id`,
    max(
      CASE
        WHEN CAST(`e`.`page` AS STRING) = 'it\'s /pricing\n\\'
        THEN `e`.`occurred_at`
      END
    ) AS `f0`,
    max(
      CASE
        WHEN NOT COALESCE(CAST(`e`.`page` AS STRING) = 'it\'s /pricing\n\\', FALSE)
        THEN `e`.`occurred_at`
      END
    ) AS `f1`
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
        CAST(`e`.`page` AS STRING) = 'it\'s /pricing\n\\'
      )
      OR (
        NOT COALESCE(CAST(`e`.`page` AS STRING) = 'it\'s /pricing\n\\', FALSE)
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
      array_agg(
        CASE
          WHEN TRUE
          THEN COALESCE(CAST(`e`.`page` AS STRING) = 'it\'s /pricing\n\\', FALSE)
        END IGNORE NULLS ORDER BY `e`.`occurred_at` DESC, COALESCE(CAST(`e`.`event_id` AS STRING), '') DESC
        LIMIT 1
      )[SAFE_OFFSET(0)] AS `has`
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
    min(`e`.`occurred_at`) AS `f0`
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
    max(`e`.`occurred_at`) AS `f0`
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
      row_number() OVER (
        PARTITION BY `e`.`profile_id`
        ORDER BY `e`.`occurred_at` ASC, COALESCE(CAST(`e`.`event_id` AS STRING), '') ASC
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
    CASE
      WHEN `s`.`m0`
      THEN timestamp_add(`s`.`occurred_at`, INTERVAL 172800 SECOND)
    END AS `d0`
  FROM `rule_steps_1` AS `s`
), `rule_chain_3` AS (
  SELECT
    *,
    CASE
      WHEN `s`.`m1`
      AND (
        max(
          CASE
            WHEN NOT (
              `s`.`d0` IS NULL
            )
            THEN timestamp_add(`s`.`occurred_at`, INTERVAL 86400 SECOND)
          END
        ) OVER (
          PARTITION BY `s`.`profile_id`
          ORDER BY `s`.`place` ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) >= `s`.`occurred_at`
      )
      THEN max(`s`.`d0`) OVER (
        PARTITION BY `s`.`profile_id`
        ORDER BY `s`.`place` ASC
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
refused: absent needs a window of all later instants (GROUPS)

-- regularly
WITH `rule_regularly_0` AS (
  SELECT
    `k`.`profile_id`
  FROM (
    SELECT
      `e`.`profile_id`,
      `w`.`n`
    FROM `events` AS `e`
    JOIN UNNEST([
      STRUCT(
        0 AS `n`,
        CAST('2025-05-05 00:00:00.000000+00:00' AS TIMESTAMP) AS `low`,
        CAST('2025-05-12 00:00:00.000000+00:00' AS TIMESTAMP) AS `high`
      ),
      STRUCT(
        1 AS `n`,
        CAST('2025-04-28 00:00:00.000000+00:00' AS TIMESTAMP) AS `low`,
        CAST('2025-05-05 00:00:00.000000+00:00' AS TIMESTAMP) AS `high`
      ),
      STRUCT(
        2 AS `n`,
        CAST('2025-04-21 00:00:00.000000+00:00' AS TIMESTAMP) AS `low`,
        CAST('2025-04-28 00:00:00.000000+00:00' AS TIMESTAMP) AS `high`
      )
    ]) AS `w`
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
    COUNT(
      CASE
        WHEN CASE
          WHEN NOT is_nan(CAST(`r`.`amount` AS FLOAT64))
          THEN CAST(`r`.`amount` AS FLOAT64)
        END > CAST('10.0' AS FLOAT64)
        THEN 1
      END
    ) AS `f0`
  FROM `transaction` AS `r`
  WHERE
    CASE
      WHEN NOT is_nan(CAST(`r`.`amount` AS FLOAT64))
      THEN CAST(`r`.`amount` AS FLOAT64)
    END > CAST('10.0' AS FLOAT64)
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
    array_agg(
      CASE WHEN `c`.`purpose` = 'ads' THEN `c`.`status` END IGNORE NULLS ORDER BY `c`.`captured_at` DESC, `c`.`status` = 'denied' DESC, `c`.`status` DESC
      LIMIT 1
    )[SAFE_OFFSET(0)] AS `f0`
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
      CAST(CAST('0x' || substr(TO_HEX(MD5('x:' || CAST(`p`.`profile_id` AS STRING))), 1, 8) AS INT64) AS FLOAT64) / CAST('4294967296.0' AS FLOAT64)
    ) * CAST('100.0' AS FLOAT64) >= CAST('0.0' AS FLOAT64)
  )
  AND (
    (
      CAST(CAST('0x' || substr(TO_HEX(MD5('x:' || CAST(`p`.`profile_id` AS STRING))), 1, 8) AS INT64) AS FLOAT64) / CAST('4294967296.0' AS FLOAT64)
    ) * CAST('100.0' AS FLOAT64) < CAST('10.0' AS FLOAT64)
  )

-- top
WITH `rule_top_0` AS (
  SELECT
    `p`.`profile_id`
  FROM `profiles` AS `p`
  WHERE
    NOT (
      CASE
        WHEN NOT is_nan(CAST(`p`.`score` AS FLOAT64))
        THEN CAST(`p`.`score` AS FLOAT64)
      END IS NULL
    )
  ORDER BY
    CASE
      WHEN NOT is_nan(CAST(`p`.`score` AS FLOAT64))
      THEN CAST(`p`.`score` AS FLOAT64)
    END DESC,
    CAST(`p`.`profile_id` AS STRING) ASC
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
