-- The fifty segments in ClickHouse: one pass over the events with the -If combinators,
-- what sequences need as small sorted arrays of each person; see by_hand.sql.
CREATE TABLE by_clickhouse ENGINE = Memory AS
WITH
    toDateTime64('2025-05-01 00:00:00', 6, 'UTC') AS as_of,
    as_of - INTERVAL 1 DAY AS d1, as_of - INTERVAL 2 DAY AS d2,
    as_of - INTERVAL 3 DAY AS d3, as_of - INTERVAL 7 DAY AS d7,
    as_of - INTERVAL 14 DAY AS d14, as_of - INTERVAL 30 DAY AS d30,
    as_of - INTERVAL 37 DAY AS d37, as_of - INTERVAL 90 DAY AS d90,
    toDateTime64('2025-04-23 23:00:00', 6, 'UTC') AS week,
    toDateTime64('2025-04-20 23:00:00', 6, 'UTC') AS week_1,
    toDateTime64('2025-03-31 23:00:00', 6, 'UTC') AS month,
placed AS (
    SELECT subject_id, profile_key FROM file('{assignment}', Parquet)
    WHERE valid_to IS NULL
),
facts AS (
    SELECT profile_key,
        countIf(event = 'page_viewed' AND page = '/pricing' AND at > d7) AS pricing,
        countIf(event = 'page_viewed' AND page = '/sale' AND at > d7) AS sale,
        countIf(event = 'page_viewed' AND page = '/jobs' AND at > d7) AS jobs,
        argMaxIf(page, at, event = 'page_viewed' AND at > d7) AS newest_page,
        argMinIf(page, at, event = 'page_viewed' AND at > d7) AS oldest_page,
        countIf(event = 'product_viewed' AND category = 'shoes' AND at > d2) AS shoes,
        countIf(event = 'product_viewed' AND category = 'shirts' AND at > d2) AS shirts,
        countIf(event = 'product_viewed' AND category = 'books' AND at > d2) AS books,
        countIf(event = 'product_viewed' AND category = 'toys' AND at > d2) AS toys,
        uniqExactIf(category, event = 'product_viewed' AND at > d7) AS categories,
        countIf(event = 'product_viewed' AND at > d1) AS viewed_today,
        countIf(event = 'purchased') AS ever,
        countIf(event = 'purchased' AND at > d90) AS in_90,
        sumIf(amount, event = 'purchased' AND at > d30) AS total,
        countIf(event = 'purchased' AND at > d30) AS in_30,
        maxIf(amount, event = 'purchased' AND at > d30) AS most,
        minIf(amount, event = 'purchased' AND at > d30) AS least,
        maxIf(at, event = 'purchased') AS newest_bought,
        minIf(at, event = 'purchased') AS oldest_bought,
        countIf(event = 'purchased' AND at > d37 AND at <= d7) AS bought_before,
        countIf(event = 'purchased' AND at > d37 AND at <= d30) AS bought_gap,
        argMaxIf(amount, at, event = 'purchased') AS newest_amount,
        maxIf(at, event = 'app_opened') AS newest_app,
        countIf(event = 'app_opened' AND at > d37 AND at <= d7) AS app_before,
        uniqExactIf(intDiv(toUnixTimestamp(week_1 + INTERVAL 7 DAY) - toUnixTimestamp(at) + 604799, 604800),
            event = 'app_opened' AND at < week_1 + INTERVAL 7 DAY AND at >= week_1 - INTERVAL 21 DAY) AS weeks,
        maxIf(at, event = 'signed_in') AS newest_signed,
        countIf(event = 'email_opened' AND at > d14 AND at <= d7) AS mailed,
        maxIf(at, event = 'email_clicked') AS newest_click,
        countIf(event = 'email_clicked' AND at > d37 AND at <= d7) AS click_before,
        maxIf(at, event = 'cart_added') AS newest_cart,
        minIf(at, event = 'cart_added' AND at > d7) AS first_cart,
        countIf(event = 'cart_added' AND at > d7) AS carts,
        maxIf(at, event = 'checkout_begun') AS newest_begun,
        groupArrayIf(at, event = 'email_clicked' AND at > d7) AS clicks,
        groupArrayIf(at, event = 'product_viewed' AND at > d7) AS views,
        groupArrayIf(at, event = 'cart_added' AND at > d30) AS added,
        groupArrayIf(at, event = 'checkout_begun' AND at > d30) AS begun,
        groupArrayIf(at, event = 'purchased' AND at > d30) AS bought,
        arraySort(groupArrayIf((at, event), at > d1)) AS today
    FROM (
        SELECT subject_id, assumeNotNull(event) AS event,
            assumeNotNull(occurred_at) AS at, assumeNotNull(properties.page) AS page,
            assumeNotNull(properties.category) AS category,
            assumeNotNull(properties.amount) AS amount
        FROM file('{event}', Parquet) WHERE at <= as_of
    ) AS e INNER JOIN placed USING (subject_id)
    GROUP BY profile_key
),
decided AS (
    SELECT profile_key, argMax(status, captured_at) = 'granted' AS granted
    FROM file('{consent}', Parquet) AS c INNER JOIN placed USING (subject_id)
    WHERE purpose = 'advertising' AND captured_at <= as_of GROUP BY profile_key
),
dear AS (
    SELECT profile_key, count() AS orders
    FROM file('{transaction}', Parquet) AS t INNER JOIN placed USING (subject_id)
    WHERE amount >= 100 GROUP BY profile_key
),
person AS (
    SELECT p.profile_key AS profile_key, i.profile_id AS profile_id,
        p.attributes.country AS country, p.attributes.born AS born,
        p.attributes.tier AS tier
    FROM file('{person}', Parquet) AS p
    INNER JOIN file('{profile}', Parquet) AS i ON p.profile_key = i.profile_key
    WHERE p.valid_to IS NULL
)
SELECT person.profile_key AS profile_key,
    pricing >= 3 AS s0, sale >= 3 AS s1, jobs >= 3 AS s2, shoes > 0 AS s3,
    shirts > 0 AS s4, books > 0 AS s5, toys > 0 AS s6, in_90 >= 1 AS s7,
    in_90 >= 3 AS s8, in_90 >= 5 AS s9, ifNull(total, 0) >= 200 AS s10,
    in_30 > 0 AND ifNull(total / in_30, 0) >= 50 AS s11, in_30 > 0 AND ifNull(most, 0) >= 120 AS s12,
    in_30 > 0 AND ifNull(least, 0) >= 10 AS s13, categories >= 3 AS s14,
    newest_app >= week AS s15, newest_signed >= month AS s16, newest_bought > d30 AS s17,
    mailed > 0 AS s18, newest_cart >= as_of + INTERVAL 23 HOUR AS s19,
    NOT newest_signed > d30 AS s20, bought_before > 0 AND newest_bought <= d7 AS s21,
    app_before > 0 AND newest_app <= d7 AS s22,
    click_before > 0 AND newest_click <= d7 AS s23,
    newest_bought > d30 AND bought_gap = 0 AND oldest_bought <= d37 AS s24,
    weeks >= 3 AS s25, ever > 0 AND oldest_bought > d14 AS s26,
    carts > 0 AND first_cart < newest_begun AS s27,
    arrayExists(c -> c > d7 AND c + INTERVAL 1 HOUR <= as_of
        AND NOT arrayExists(b -> b > c AND b <= c + INTERVAL 1 HOUR, bought), begun) AS s28,
    arrayExists(c -> arrayExists(v -> v > c AND v <= c + INTERVAL 1 HOUR, views), clicks) AS s29,
    arrayExists(c -> arrayExists(a -> c > a AND c <= a + INTERVAL 1 DAY, added)
        AND arrayExists(b -> b > c AND b <= c + INTERVAL 1 DAY, bought), begun) AS s30,
    arrayExists((x, y) -> x.2 = 'search_run' AND y.2 = 'cart_added',
        arrayPopBack(today), arrayPopFront(today)) AS s31,
    ifNull(newest_page, '') = '/pricing' AS s32, ifNull(newest_page, '') = '/help' AS s33,
    ifNull(oldest_page, '') = '/sale' AS s34, ever > 0 AND ifNull(newest_amount, 0) >= 100 AS s35,
    ifNull(country IN ('GB', 'IE'), 0) AS s36, born <= toDate32('2007-05-01') AS s37,
    toMonth(born) = 5 AND toDayOfMonth(born) >= 2 AS s38, ifNull(granted, 0) AS s39,
    ifNull(tier = 'vip', 0) AS s40,
    reinterpretAsUInt32(reverse(substring(MD5(concat('spring:', profile_id)), 1, 4))) < 0.1 * 4294967296 AS s41,
    orders >= 2 AS s42, s0 AND NOT s7 AS s43, newest_cart > d2 AND ever = 0 AS s44,
    newest_click > d3 OR s40 AS s45, country = 'GB' AND viewed_today > 0 AS s46,
    country = 'GB' AND s11 AND NOT s1 AS s47, s39 AND (s2 OR country = 'GB') AS s48,
    NOT (newest_app > d14 OR s39) AS s49
FROM person
LEFT JOIN facts ON facts.profile_key = person.profile_key
LEFT JOIN decided ON decided.profile_key = person.profile_key
LEFT JOIN dear ON dear.profile_key = person.profile_key
