-- attribute_text
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE(STARTS_WITH(CAST("p"."country" AS TEXT), 'G'), FALSE)

-- attribute_order
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE((
    CAST("p"."country" AS TEXT)
  ) COLLATE "C" > 'GB', FALSE)

-- attribute_pattern
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE((
    CAST("p"."country" AS TEXT)
  ) ~ '^G[^\n][0-9]$', FALSE)

-- attribute_number
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE(
    (
      CASE
        WHEN NOT CAST("p"."score" AS DOUBLE PRECISION) = CAST('NaN' AS DOUBLE PRECISION)
        THEN CAST("p"."score" AS DOUBLE PRECISION)
      END >= CAST('1.0' AS DOUBLE PRECISION)
    )
    AND (
      CASE
        WHEN NOT CAST("p"."score" AS DOUBLE PRECISION) = CAST('NaN' AS DOUBLE PRECISION)
        THEN CAST("p"."score" AS DOUBLE PRECISION)
      END < CAST('2.0' AS DOUBLE PRECISION)
    ),
    FALSE
  )

-- attribute_date
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE(
    (
      "p"."born" > CAST('2022-05-14' AS DATE)
    )
    AND (
      "p"."born" <= CAST('2025-05-14' AS DATE)
    ),
    FALSE
  )

-- attribute_instant
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE(
    (
      "p"."seen" >= CAST('2025-05-01 00:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
    AND (
      "p"."seen" < CAST('2025-05-02 00:00:00.000000+00:00' AS TIMESTAMPTZ)
    ),
    FALSE
  )

-- anniversary
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE(
    (
      (
        CAST(EXTRACT(month FROM "p"."born") AS INT) * 100
      ) + CAST(EXTRACT(day FROM "p"."born") AS INT)
    ) IN (515, 516),
    FALSE
  )

-- attribute_list
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  COALESCE(
    CASE
      WHEN NOT (
        "p"."tags" IS NULL
      )
      THEN ARRAY(SELECT
        CAST("x" AS TEXT)
      FROM UNNEST("p"."tags") AS "x")
    END && ARRAY['a', 'b'],
    FALSE
  )

-- blank
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  (
    NOT (
      NOT (
        "p"."country" IS NULL
      )
    )
  )
  OR COALESCE(BTRIM("p"."country", '	
                  　') = '', FALSE)

-- did
WITH "rule_events_0" AS (
  SELECT
    "e"."profile_id",
    COUNT(*) FILTER(WHERE
      (
        CAST((
          "e"."properties"
        )."page" AS TEXT) = 'it''s /pricing
\'
      )
      AND (
        "e"."occurred_at" > CAST('2025-05-07 12:00:00.000000+00:00' AS TIMESTAMPTZ)
      )) AS "f0"
  FROM "events" AS "e"
  WHERE
    (
      "e"."event" = 'page_viewed'
    )
    AND (
      "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
    AND (
      "e"."occurred_at" >= CAST('2025-05-07 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
    AND (
      (
        CAST((
          "e"."properties"
        )."page" AS TEXT) = 'it''s /pricing
\'
      )
      AND (
        "e"."occurred_at" > CAST('2025-05-07 12:00:00.000000+00:00' AS TIMESTAMPTZ)
      )
    )
  GROUP BY
    "e"."profile_id"
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
LEFT JOIN "rule_events_0"
  ON "p"."profile_id" = "rule_events_0"."profile_id"
WHERE
  COALESCE(COALESCE("rule_events_0"."f0", 0) >= CAST('3.0' AS DOUBLE PRECISION), FALSE)

-- total
WITH "rule_events_0" AS (
  SELECT
    "e"."profile_id",
    SUM(CAST((
      "e"."properties"
    )."cents" AS DOUBLE PRECISION)) AS "f0"
  FROM "events" AS "e"
  WHERE
    (
      "e"."event" = 'bought'
    )
    AND (
      "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
  GROUP BY
    "e"."profile_id"
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
LEFT JOIN "rule_events_0"
  ON "p"."profile_id" = "rule_events_0"."profile_id"
WHERE
  COALESCE(COALESCE("rule_events_0"."f0", 0) > CAST('900.0' AS DOUBLE PRECISION), FALSE)

-- distinct
WITH "rule_events" AS (
  SELECT
    "e"."profile_id",
    COUNT(DISTINCT CAST((
      "e"."properties"
    )."page" AS TEXT)) AS "f0"
  FROM "events" AS "e"
  WHERE
    "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
  GROUP BY
    "e"."profile_id"
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
LEFT JOIN "rule_events"
  ON "p"."profile_id" = "rule_events"."profile_id"
WHERE
  COALESCE(COALESCE("rule_events"."f0", 0) >= CAST('2.0' AS DOUBLE PRECISION), FALSE)

-- last
WITH "rule_events_0" AS (
  SELECT
    "e"."profile_id",
    MAX("e"."occurred_at") FILTER(WHERE
      CAST((
        "e"."properties"
      )."page" AS TEXT) = 'it''s /pricing
\') AS "f0",
    MAX("e"."occurred_at") FILTER(WHERE
      NOT COALESCE(
        CAST((
          "e"."properties"
        )."page" AS TEXT) = 'it''s /pricing
\',
        FALSE
      )) AS "f1"
  FROM "events" AS "e"
  WHERE
    (
      "e"."event" = 'page_viewed'
    )
    AND (
      "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
    AND (
      (
        CAST((
          "e"."properties"
        )."page" AS TEXT) = 'it''s /pricing
\'
      )
      OR (
        NOT COALESCE(
          CAST((
            "e"."properties"
          )."page" AS TEXT) = 'it''s /pricing
\',
          FALSE
        )
      )
    )
  GROUP BY
    "e"."profile_id"
), "rule_tie_0" AS (
  SELECT
    "t"."profile_id"
  FROM (
    SELECT
      "e"."profile_id",
      (
        ARRAY_AGG(
          COALESCE(
            CAST((
              "e"."properties"
            )."page" AS TEXT) = 'it''s /pricing
\',
            FALSE
          ) ORDER BY "e"."occurred_at" DESC NULLS LAST, (
            COALESCE(CAST("e"."event_id" AS TEXT), '')
          ) COLLATE "C" DESC NULLS LAST
        ) FILTER(WHERE
          NOT (
            COALESCE(
              CAST((
                "e"."properties"
              )."page" AS TEXT) = 'it''s /pricing
\',
              FALSE
            ) IS NULL
          ))
      )[1] AS "has"
    FROM "events" AS "e"
    WHERE
      (
        "e"."event" = 'page_viewed'
      )
      AND (
        "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
      )
      AND (
        "e"."profile_id" IN (
          SELECT
            "profile_id"
          FROM "rule_events_0"
          WHERE
            "rule_events_0"."f0" = "rule_events_0"."f1"
        )
      )
    GROUP BY
      "e"."profile_id"
  ) AS "t"
  WHERE
    "t"."has"
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
LEFT JOIN "rule_events_0"
  ON "p"."profile_id" = "rule_events_0"."profile_id"
WHERE
  COALESCE("rule_events_0"."f0" > "rule_events_0"."f1", FALSE)
  OR (
    (
      NOT (
        "rule_events_0"."f0" IS NULL
      )
    )
    AND (
      "rule_events_0"."f1" IS NULL
    )
  )
  OR (
    "p"."profile_id" IN (
      SELECT
        "profile_id"
      FROM "rule_tie_0"
    )
  )

-- sequence
WITH "rule_events_0" AS (
  SELECT
    "e"."profile_id",
    MIN("e"."occurred_at") AS "f0"
  FROM "events" AS "e"
  WHERE
    (
      "e"."event" = 'a'
    )
    AND (
      "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
  GROUP BY
    "e"."profile_id"
), "rule_events_1" AS (
  SELECT
    "e"."profile_id",
    MAX("e"."occurred_at") AS "f0"
  FROM "events" AS "e"
  WHERE
    (
      "e"."event" = 'b'
    )
    AND (
      "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
  GROUP BY
    "e"."profile_id"
), "rule_hopeful_0" AS (
  SELECT
    "p"."profile_id"
  FROM "profiles" AS "p"
  LEFT JOIN "rule_events_0"
    ON "p"."profile_id" = "rule_events_0"."profile_id"
  LEFT JOIN "rule_events_1"
    ON "p"."profile_id" = "rule_events_1"."profile_id"
  WHERE
    COALESCE("rule_events_0"."f0" <= "rule_events_1"."f0", FALSE)
), "rule_steps_1" AS (
  SELECT
    *
  FROM (
    SELECT
      "e"."profile_id",
      "e"."occurred_at",
      ROW_NUMBER() OVER (
        PARTITION BY "e"."profile_id"
        ORDER BY "e"."occurred_at", (
          COALESCE(CAST("e"."event_id" AS TEXT), '')
        ) COLLATE "C"
      ) AS "place",
      "e"."event" = 'a' AS "m0",
      "e"."event" = 'b' AS "m1"
    FROM "events" AS "e"
    WHERE
      (
        "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
      )
      AND (
        "e"."event" IN ('a', 'b')
      )
      AND (
        "e"."profile_id" IN (
          SELECT
            "profile_id"
          FROM "rule_hopeful_0"
        )
      )
      AND (
        (
          "e"."event" = 'a'
        ) OR (
          "e"."event" = 'b'
        )
      )
  ) AS "o"
  WHERE
    "o"."m0" OR "o"."m1"
), "rule_chain_2" AS (
  SELECT
    *,
    CASE
      WHEN "s"."m0"
      THEN "s"."occurred_at" + 172800 * CAST('1 second' AS INTERVAL)
    END AS "d0"
  FROM "rule_steps_1" AS "s"
), "rule_chain_3" AS (
  SELECT
    *,
    CASE
      WHEN "s"."m1"
      AND (
        MAX(
          CASE
            WHEN NOT (
              "s"."d0" IS NULL
            )
            THEN "s"."occurred_at" + 86400 * CAST('1 second' AS INTERVAL)
          END
        ) OVER (
          PARTITION BY "s"."profile_id"
          ORDER BY "s"."place"
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) >= "s"."occurred_at"
      )
      THEN MAX("s"."d0") OVER (
        PARTITION BY "s"."profile_id"
        ORDER BY "s"."place"
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      )
    END AS "d1"
  FROM "rule_chain_2" AS "s"
), "rule_sequence_4" AS (
  SELECT DISTINCT
    "s"."profile_id"
  FROM "rule_chain_3" AS "s"
  WHERE
    COALESCE("s"."occurred_at" <= "s"."d1", FALSE)
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  "p"."profile_id" IN (
    SELECT
      "profile_id"
    FROM "rule_sequence_4"
  )

-- absent
WITH "rule_events_0" AS (
  SELECT
    "e"."profile_id",
    MIN("e"."occurred_at") AS "f0"
  FROM "events" AS "e"
  WHERE
    (
      "e"."event" = 'a'
    )
    AND (
      "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
  GROUP BY
    "e"."profile_id"
), "rule_hopeful_0" AS (
  SELECT
    "p"."profile_id"
  FROM "profiles" AS "p"
  LEFT JOIN "rule_events_0"
    ON "p"."profile_id" = "rule_events_0"."profile_id"
  WHERE
    NOT (
      "rule_events_0"."f0" IS NULL
    )
), "rule_steps_1" AS (
  SELECT
    *
  FROM (
    SELECT
      "e"."profile_id",
      "e"."occurred_at",
      ROW_NUMBER() OVER (
        PARTITION BY "e"."profile_id"
        ORDER BY "e"."occurred_at", (
          COALESCE(CAST("e"."event_id" AS TEXT), '')
        ) COLLATE "C"
      ) AS "place",
      "e"."event" = 'a' AS "m0",
      "e"."event" = 'b' AS "m1"
    FROM "events" AS "e"
    WHERE
      (
        "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
      )
      AND (
        "e"."event" IN ('a', 'b')
      )
      AND (
        "e"."profile_id" IN (
          SELECT
            "profile_id"
          FROM "rule_hopeful_0"
        )
      )
      AND (
        (
          "e"."event" = 'a'
        ) OR (
          "e"."event" = 'b'
        )
      )
  ) AS "o"
  WHERE
    "o"."m0" OR "o"."m1"
), "rule_chain_2" AS (
  SELECT
    *,
    CASE WHEN "s"."m0" THEN CAST('infinity' AS TIMESTAMPTZ) END AS "d0"
  FROM "rule_steps_1" AS "s"
), "rule_chain_3" AS (
  SELECT
    *,
    CASE
      WHEN (
        (
          "s"."occurred_at" + 86400 * CAST('1 second' AS INTERVAL)
        ) <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
      )
      AND COALESCE(
        MIN(CASE WHEN "s"."m1" THEN "s"."occurred_at" END) OVER (
          PARTITION BY "s"."profile_id"
          ORDER BY "s"."occurred_at"
          GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) > (
          "s"."occurred_at" + 86400 * CAST('1 second' AS INTERVAL)
        ),
        TRUE
      )
      THEN "s"."d0"
    END AS "d1"
  FROM "rule_chain_2" AS "s"
), "rule_sequence_4" AS (
  SELECT DISTINCT
    "s"."profile_id"
  FROM "rule_chain_3" AS "s"
  WHERE
    COALESCE("s"."occurred_at" <= "s"."d1", FALSE)
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  "p"."profile_id" IN (
    SELECT
      "profile_id"
    FROM "rule_sequence_4"
  )

-- regularly
WITH "rule_regularly_0" AS (
  SELECT
    "k"."profile_id"
  FROM (
    SELECT
      "e"."profile_id",
      "w"."n"
    FROM "events" AS "e"
    JOIN (VALUES
      (
        0,
        CAST('2025-05-05 00:00:00.000000+00:00' AS TIMESTAMPTZ),
        CAST('2025-05-12 00:00:00.000000+00:00' AS TIMESTAMPTZ)
      ),
      (
        1,
        CAST('2025-04-28 00:00:00.000000+00:00' AS TIMESTAMPTZ),
        CAST('2025-05-05 00:00:00.000000+00:00' AS TIMESTAMPTZ)
      ),
      (
        2,
        CAST('2025-04-21 00:00:00.000000+00:00' AS TIMESTAMPTZ),
        CAST('2025-04-28 00:00:00.000000+00:00' AS TIMESTAMPTZ)
      )) AS "w"("n", "low", "high")
      ON (
        "e"."occurred_at" >= "w"."low"
      ) AND (
        "e"."occurred_at" < "w"."high"
      )
    WHERE
      (
        "e"."event" = 'a'
      )
      AND (
        "e"."occurred_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
      )
      AND (
        "e"."occurred_at" >= CAST('2025-04-21 00:00:00.000000+00:00' AS TIMESTAMPTZ)
      )
    GROUP BY
      "e"."profile_id",
      "w"."n"
    HAVING
      COUNT(*) >= 1
  ) AS k
  GROUP BY
    "k"."profile_id"
  HAVING
    COUNT(*) >= 2
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  "p"."profile_id" IN (
    SELECT
      "profile_id"
    FROM "rule_regularly_0"
  )

-- related
WITH "rule_related_0" AS (
  SELECT
    "r"."profile_id",
    COUNT(*) FILTER(WHERE
      CASE
        WHEN NOT CAST("r"."amount" AS DOUBLE PRECISION) = CAST('NaN' AS DOUBLE PRECISION)
        THEN CAST("r"."amount" AS DOUBLE PRECISION)
      END > CAST('10.0' AS DOUBLE PRECISION)) AS "f0"
  FROM "transaction" AS "r"
  WHERE
    CASE
      WHEN NOT CAST("r"."amount" AS DOUBLE PRECISION) = CAST('NaN' AS DOUBLE PRECISION)
      THEN CAST("r"."amount" AS DOUBLE PRECISION)
    END > CAST('10.0' AS DOUBLE PRECISION)
  GROUP BY
    "r"."profile_id"
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
LEFT JOIN "rule_related_0"
  ON "p"."profile_id" = "rule_related_0"."profile_id"
WHERE
  COALESCE("rule_related_0"."f0", 0) >= 2

-- consent
WITH "rule_consent" AS (
  SELECT
    "c"."profile_id",
    (
      ARRAY_AGG(
        "c"."status" ORDER BY "c"."captured_at" DESC NULLS LAST, "c"."status" = 'denied' DESC NULLS LAST, "c"."status" DESC NULLS LAST
      ) FILTER(WHERE
        (
          "c"."purpose" = 'ads'
        ) AND (
          NOT (
            "c"."status" IS NULL
          )
        ))
    )[1] AS "f0"
  FROM "consent" AS "c"
  WHERE
    (
      "c"."captured_at" <= CAST('2025-05-14 12:00:00.000000+00:00' AS TIMESTAMPTZ)
    )
    AND (
      "c"."purpose" = 'ads'
    )
  GROUP BY
    "c"."profile_id"
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
LEFT JOIN "rule_consent"
  ON "p"."profile_id" = "rule_consent"."profile_id"
WHERE
  COALESCE("rule_consent"."f0" = 'granted', FALSE)

-- list
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  "p"."profile_id" IN (
    SELECT
      "l"."profile_id"
    FROM "vip" AS "l"
    WHERE
      NOT (
        "l"."profile_id" IS NULL
      )
  )

-- sample
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  (
    (
      CAST(CAST(CAST((
        'x' || SUBSTR(MD5('x:' || CAST("p"."profile_id" AS TEXT)), 1, 8)
      ) AS BIT(32)) AS BIGINT) AS DOUBLE PRECISION) / CAST('4294967296.0' AS DOUBLE PRECISION)
    ) * CAST('100.0' AS DOUBLE PRECISION) >= CAST('0.0' AS DOUBLE PRECISION)
  )
  AND (
    (
      CAST(CAST(CAST((
        'x' || SUBSTR(MD5('x:' || CAST("p"."profile_id" AS TEXT)), 1, 8)
      ) AS BIT(32)) AS BIGINT) AS DOUBLE PRECISION) / CAST('4294967296.0' AS DOUBLE PRECISION)
    ) * CAST('100.0' AS DOUBLE PRECISION) < CAST('10.0' AS DOUBLE PRECISION)
  )

-- top
WITH "rule_top_0" AS (
  SELECT
    "p"."profile_id"
  FROM "profiles" AS "p"
  WHERE
    NOT (
      CASE
        WHEN NOT CAST("p"."score" AS DOUBLE PRECISION) = CAST('NaN' AS DOUBLE PRECISION)
        THEN CAST("p"."score" AS DOUBLE PRECISION)
      END IS NULL
    )
  ORDER BY
    CASE
      WHEN NOT CAST("p"."score" AS DOUBLE PRECISION) = CAST('NaN' AS DOUBLE PRECISION)
      THEN CAST("p"."score" AS DOUBLE PRECISION)
    END DESC NULLS LAST,
    (
      CAST("p"."profile_id" AS TEXT)
    ) COLLATE "C" ASC
  LIMIT 5
)
SELECT
  "p"."profile_id"
FROM "profiles" AS "p"
WHERE
  "p"."profile_id" IN (
    SELECT
      "profile_id"
    FROM "rule_top_0"
  )
