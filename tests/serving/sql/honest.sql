-- What an analyst asks: one statement per paragraph; every one is accepted and runs.

SELECT count(*) FROM silver.events

SELECT * FROM silver.events LIMIT 5

SELECT * FROM silver.page_views ORDER BY event_time DESC LIMIT 3

SELECT event_type, count(*) AS n FROM silver.events GROUP BY event_type ORDER BY n DESC

SELECT event_date, count(DISTINCT visitor_id) AS visitors FROM silver.events WHERE NOT is_bot GROUP BY 1 ORDER BY 1

SELECT page_path, sum(page_views) AS views, hll_sketch_estimate(hll_union_agg(visitors)) AS visitors
FROM gold.pages WHERE NOT is_bot GROUP BY page_path ORDER BY views DESC LIMIT 20

SELECT date_trunc('DAY', bucket) AS day, sum(sessions) AS sessions, try_divide(sum(bounces), sum(sessions)) AS bounce_rate
FROM gold.sessions WHERE date BETWEEN DATE '2015-05-17' AND DATE '2015-05-20' GROUP BY ALL ORDER BY day

SELECT kll_sketch_get_quantile_double(kll_merge_agg_double(load_time), 0.9D) AS p90 FROM gold.pages WHERE page_path = '/page/1'

SELECT kll_sketch_get_rank_double(kll_merge_agg_double(duration), 30D) AS share_below FROM gold.sessions

SELECT kll_sketch_get_n_double(kll_merge_agg_double(duration)) FROM gold.sessions

SELECT site_id, hll_sketch_estimate(hll_sketch_agg(visitor_id, 12)) FROM silver.events GROUP BY site_id

SELECT hll_sketch_estimate(hll_union(a.v, b.v)) FROM
  (SELECT hll_union_agg(visitors) v FROM gold.pages WHERE device_type = 'mobile') a,
  (SELECT hll_union_agg(visitors) v FROM gold.pages WHERE device_type = 'desktop') b

WITH daily AS (
  SELECT event_date, count(*) AS views FROM silver.page_views GROUP BY event_date
)
SELECT event_date, views, avg(views) OVER (ORDER BY event_date ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS week_avg
FROM daily ORDER BY event_date

WITH first_seen AS (SELECT visitor_id, min(event_date) AS first_day FROM silver.events GROUP BY visitor_id),
     days AS (SELECT DISTINCT visitor_id, event_date FROM silver.events)
SELECT f.first_day, datediff(d.event_date, f.first_day) AS day_no, count(*) AS visitors
FROM days d JOIN first_seen f USING (visitor_id) GROUP BY 1, 2 ORDER BY 1, 2

SELECT visitor_id, event_time, page_path, lag(page_path) OVER (PARTITION BY visitor_id ORDER BY event_time) AS previous
FROM silver.page_views LIMIT 20

SELECT page_path, next_page, count(*) AS n FROM (
  SELECT page_path, lead(page_path, 1, '(exit)') OVER (PARTITION BY site_id, visitor_id ORDER BY event_time, event_id) AS next_page
  FROM silver.page_views
) GROUP BY ALL ORDER BY n DESC LIMIT 10

SELECT *, row_number() OVER w AS position, rank() OVER w, dense_rank() OVER w, percent_rank() OVER w, ntile(4) OVER w
FROM (SELECT page_path, count(*) AS n FROM silver.events GROUP BY page_path)
WINDOW w AS (ORDER BY n DESC)

SELECT channel, source, sum(sessions) FROM gold.sessions GROUP BY GROUPING SETS ((channel), (channel, source), ())

SELECT device_type, country, grouping(country) AS is_total, sum(sessions) FROM gold.sessions GROUP BY CUBE (device_type, country)

SELECT device_type, country, sum(sessions) FROM gold.sessions GROUP BY ROLLUP (device_type, country) ORDER BY ALL

SELECT device_type, country, grouping_id() FROM gold.sessions GROUP BY device_type, country WITH ROLLUP

SELECT * FROM (SELECT device_type, site_id, page_views FROM gold.pages) PIVOT (sum(page_views) FOR device_type IN ('mobile', 'desktop'))

SELECT * FROM (SELECT event_date, event_type, visitor_id FROM silver.events)
PIVOT (count(visitor_id) AS n, count(DISTINCT visitor_id) AS u FOR event_type IN ('page_view' AS views, 'click' AS clicks))
ORDER BY event_date

SELECT * FROM (SELECT site_id, sum(sessions) AS sessions, sum(bounces) AS bounces FROM gold.sessions GROUP BY site_id)
UNPIVOT (value FOR metric IN (sessions, bounces))

SELECT flag, count(*) FROM silver.events LATERAL VIEW explode(quality_flags) f AS flag GROUP BY flag

SELECT event_id, flag FROM silver.events LATERAL VIEW OUTER explode(quality_flags) f AS flag LIMIT 5

SELECT event_id, pos, flag FROM silver.events LATERAL VIEW posexplode(pii_flags) f AS pos, flag LIMIT 5

SELECT e.event_id, f.col FROM silver.events e, LATERAL explode(e.quality_flags) AS f LIMIT 5

SELECT explode(array('a', 'b')) AS letter

SELECT get_json_object(properties, '$.plan') AS plan, count(*) FROM silver.events GROUP BY 1

SELECT from_json(properties, 'plan STRING, seats INT').seats AS seats FROM silver.events LIMIT 5

SELECT from_json(properties, 'MAP<STRING, STRING>')['plan'] FROM silver.events LIMIT 5

SELECT try_parse_json(properties):plan::string AS plan FROM silver.events LIMIT 5

SELECT try_variant_get(try_parse_json(properties), '$.seats', 'int') FROM silver.events LIMIT 5

SELECT j.a, j.b FROM silver.events LATERAL VIEW json_tuple(properties, 'a', 'b') j AS a, b LIMIT 5

SELECT json_object_keys(properties), json_array_length('[1, 2]') FROM silver.events LIMIT 5

SELECT key, count(*) FROM (SELECT explode(json_object_keys(properties)) AS key FROM silver.events) GROUP BY key

SELECT to_json(named_struct('site', site_id, 'views', count(*))) FROM silver.events GROUP BY site_id

SELECT schema_of_json('{"a": 1}')

SELECT percentile(load_time_ms, 0.5), percentile(load_time_ms, array(0.75, 0.9)), median(load_time_ms) FROM silver.events

SELECT approx_percentile(load_time_ms, array(0.5, 0.9, 0.99), 1000) FROM silver.events

SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY load_time_ms) AS p90,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY load_time_ms DESC) AS d90, mode(device_type) FROM silver.events

SELECT width_bucket(load_time_ms, 0, 200, 10) AS bucket, count(*) FROM silver.events WHERE load_time_ms IS NOT NULL GROUP BY 1 ORDER BY 1

SELECT histogram_numeric(load_time_ms, 5) FROM silver.events

SELECT approx_count_distinct(visitor_id), approx_count_distinct(visitor_id, 0.02) FROM silver.events

SELECT approx_top_k(page_path, 5) FROM silver.events

SELECT corr(page_views, duration_s), covar_samp(page_views, duration_s), regr_slope(duration_s, page_views), stddev(duration_s), skewness(duration_s) FROM silver.sessions

SELECT count_if(is_bounce) / count(*) AS bounce_rate, avg(duration_s) FILTER (WHERE is_engaged) AS engaged_s FROM silver.sessions

SELECT max_by(page_path, load_time_ms) AS slowest, min_by(page_path, load_time_ms) AS quickest FROM silver.page_views

SELECT any_value(country), first(country, true), last(country) IGNORE NULLS, first_value(country) IGNORE NULLS FROM silver.events

SELECT site_id, collect_set(device_type), array_sort(collect_list(page_path))[0], array_agg(DISTINCT country) FROM silver.events GROUP BY site_id

SELECT listagg(DISTINCT device_type, ', ') WITHIN GROUP (ORDER BY device_type) FROM silver.events

SELECT string_agg(DISTINCT site_id) FROM silver.sessions

SELECT visitor_id, array_join(transform(array_sort(collect_list(struct(event_time, page_path))), x -> x.page_path), ' > ') AS path
FROM silver.page_views GROUP BY visitor_id LIMIT 5

SELECT filter(quality_flags, f -> f LIKE 'missing%'), exists(quality_flags, f -> f = 'x'), forall(quality_flags, f -> length(f) > 1),
       aggregate(quality_flags, 0, (n, f) -> n + length(f)), size(quality_flags) FROM silver.events LIMIT 5

SELECT zip_with(array(1, 2), array(3, 4), (x, y) -> x * y), map_filter(map('a', 1), (k, v) -> v > 0),
       transform_values(map('a', 1), (k, v) -> v + 1), transform_keys(map('a', 1), (k, v) -> upper(k)), reduce(array(1, 2), 0, (a, x) -> a + x)

SELECT array_contains(quality_flags, 'x'), array_distinct(quality_flags), array_position(pii_flags, 'email'), cardinality(pii_flags),
       element_at(array(1, 2), -1), slice(array(1, 2, 3), 1, 2), flatten(array(array(1), array(2))), arrays_overlap(array(1), array(1)) FROM silver.events LIMIT 3

SELECT page_path FROM silver.page_views WHERE page_path RLIKE '^/page/[0-4]$' LIMIT 5

SELECT regexp_extract(page_path, '/page/(\\d+)', 1) AS page, count(*) FROM silver.events GROUP BY 1 ORDER BY 1

SELECT regexp_extract(page_path, r'/page/(\d+)', 1) AS page, regexp_replace(page_path, r'\d+', '#'), regexp_count(page_path, '/'),
       regexp_substr(page_path, '[0-9]+'), regexp_instr(page_path, 'page'), regexp_like(page_path, 'page') FROM silver.events LIMIT 3

SELECT page_path FROM silver.events WHERE page_path LIKE '/page/%' AND page_path NOT LIKE '%\\_%' AND lower(page_path) ILIKE '%PAGE%' LIMIT 3

SELECT count(*) FROM silver.events WHERE page_path LIKE ANY ('/page/1%', '/page/2%') OR page_path LIKE ALL ('%a%', '%b%')

SELECT split(page_path, '/')[1] AS section, split_part(page_path, '/', 3) AS rest, substring_index(page_path, '/', 2) FROM silver.events LIMIT 5

SELECT parse_url(page_url, 'HOST'), try_parse_url(page_url, 'QUERY', 'utm_source'), url_decode('a%20b'), url_encode('a b') FROM silver.events LIMIT 3

SELECT concat(site_id, ':', page_path), site_id || '/' || event_type, concat_ws('-', site_id, country), lpad(cast(event_hour AS STRING), 2, '0'),
       rpad('x', 5), repeat('*', 10), initcap('ab c'), trim(BOTH '/' FROM page_path), btrim(' a '), upper(country), length(page_path) FROM silver.events LIMIT 3

SELECT left(page_path, 5), right(page_path, 3), substr(page_path, 2, 3), substring(page_path FROM 2 FOR 3), position('page' IN page_path),
       instr(page_path, 'a'), locate('a', page_path), overlay('abc' PLACING 'x' FROM 2), replace(page_path, '/', '-'), translate('abc', 'a', 'b'),
       reverse('abc'), startswith(page_path, '/page'), endswith(page_path, '1'), contains(page_path, 'age'), levenshtein('ab', 'ac'), soundex('Miller'), mask('Ab1') FROM silver.events LIMIT 3

SELECT format_number(1234.5, 2), format_string('%s has %d views, %5.1f %%', 'x', 3, 4.5D), to_char(1234, '9,999'), printf('%03d', 7)

SELECT hour(event_time), dayofweek(event_time), date_format(event_time, 'EEEE'), weekofyear(event_date), quarter(event_date), dayname(event_date), monthname(event_date) FROM silver.events LIMIT 3

SELECT extract(HOUR FROM event_time), extract(DOW FROM event_date), date_part('week', event_date), year(event_date), month(event_date), day(event_date), last_day(event_date), next_day(event_date, 'MON') FROM silver.events LIMIT 3

SELECT from_utc_timestamp(event_time, 'Europe/Berlin'), convert_timezone('UTC', 'America/New_York', event_time), to_utc_timestamp(event_time, 'UTC'),
       date_trunc('week', event_time), trunc(event_date, 'MM'), unix_timestamp(event_time), timestamp_seconds(0), to_timestamp('2015-05-17 10:00:00'), to_date('2015-05-17'), try_to_timestamp('x') FROM silver.events LIMIT 3

SELECT count(*) FROM silver.events WHERE event_date >= current_date() - INTERVAL 7 DAYS AND event_time < now() - INTERVAL '1' HOUR

SELECT count(*) FROM silver.events WHERE event_time BETWEEN TIMESTAMP '2015-05-17 10:00:00' AND TIMESTAMP '2015-05-18 10:00:00Z'

SELECT date_add(event_date, 7), date_sub(event_date, 7), add_months(event_date, 1), months_between(event_date, DATE '2015-01-01'),
       datediff(DAY, TIMESTAMP '2015-05-01 00:00:00', event_time), timestampdiff(HOUR, TIMESTAMP '2015-05-01 00:00:00', event_time), timestampadd(DAY, 1, event_time), dateadd(MONTH, 1, event_date), make_date(2015, 5, 17) FROM silver.events LIMIT 3

SELECT event_time - lag(event_time) OVER (PARTITION BY visitor_id ORDER BY event_time) AS gap FROM silver.events LIMIT 5

SELECT session_end - session_start AS took, session_start + INTERVAL 30 MINUTES, cast(session_start AS DATE), cast(duration_s AS INT), duration_s::decimal(10, 2) FROM silver.sessions LIMIT 3

SELECT window.start, window.end, count(*) FROM silver.events GROUP BY window(event_time, '6 hours') ORDER BY 1

SELECT window(event_time, '1 day', '6 hours').start AS s, count(*) FROM silver.events GROUP BY 1 ORDER BY 1 LIMIT 5

SELECT session_window.start, visitor_id, count(*) FROM silver.events GROUP BY session_window(event_time, '30 minutes'), visitor_id LIMIT 5

SELECT time_bucket(INTERVAL '15' MINUTE, event_time) AS quarter, count(*) FROM silver.events GROUP BY 1 ORDER BY 1 LIMIT 3

SELECT d.day, count(e.event_id) FROM (SELECT explode(sequence(DATE '2015-05-17', DATE '2015-05-20', INTERVAL 1 DAY)) AS day) d
LEFT JOIN silver.events e ON e.event_date = d.day GROUP BY d.day ORDER BY d.day

SELECT explode(sequence(min(event_date), max(event_date))) AS day FROM silver.events

SELECT id, date_add(DATE '2015-05-17', cast(id AS INT)) FROM range(7)

SELECT r.id AS hour, count(e.event_id) FROM range(0, 24) r LEFT JOIN silver.events e ON e.event_hour = r.id GROUP BY 1 ORDER BY 1

SELECT e.page_path, s.channel, count(*) FROM silver.events e JOIN silver.sessions s ON e.site_id = s.site_id AND e.visitor_id = s.visitor_id
AND e.event_time BETWEEN s.session_start AND s.session_end GROUP BY ALL ORDER BY 3 DESC LIMIT 10

SELECT events.page_path, silver.events.site_id FROM silver.events WHERE silver.events.is_bot LIMIT 3

SELECT sessions.channel, gs.date FROM silver.sessions LEFT JOIN gold.sessions gs ON sessions.session_date = gs.date LIMIT 3

SELECT s.* FROM silver.sessions s LEFT ANTI JOIN silver.events e ON s.visitor_id = e.visitor_id

SELECT count(*) FROM silver.sessions s LEFT SEMI JOIN silver.events e ON s.visitor_id = e.visitor_id

SELECT coalesce(a.page_path, b.page_path) AS page, a.entries, b.exits
FROM (SELECT page_path, sum(entries) AS entries FROM gold.entry_pages GROUP BY 1) a
FULL OUTER JOIN (SELECT page_path, sum(exits) AS exits FROM gold.exit_pages GROUP BY 1) b ON a.page_path = b.page_path

SELECT t.page_path, n / total AS share FROM (SELECT page_path, count(*) AS n FROM silver.events GROUP BY page_path) t
CROSS JOIN (SELECT count(*) AS total FROM silver.events)

SELECT * FROM silver.sessions NATURAL JOIN (SELECT DISTINCT site_id FROM silver.events) LIMIT 2

SELECT count(*) FROM silver.events WHERE visitor_id IN (SELECT visitor_id FROM silver.sessions WHERE is_engaged)

SELECT count(*) FROM silver.events e WHERE EXISTS (SELECT 1 FROM silver.sessions s WHERE s.visitor_id = e.visitor_id AND s.conversions > 0)

SELECT count(*) FROM silver.events WHERE visitor_id NOT IN (SELECT visitor_id FROM silver.sessions WHERE visitor_id IS NOT NULL)

SELECT site_id, (SELECT max(session_start) FROM silver.sessions s WHERE s.site_id = e.site_id) FROM (SELECT DISTINCT site_id FROM silver.events) e

SELECT e.visitor_id, s.n FROM (SELECT DISTINCT visitor_id FROM silver.events) e, LATERAL (SELECT count(*) AS n FROM silver.sessions x WHERE x.visitor_id = e.visitor_id) s LIMIT 3

SELECT page_path FROM silver.page_views UNION SELECT entry_page FROM silver.sessions

SELECT visitor_id FROM silver.events INTERSECT SELECT visitor_id FROM silver.sessions

(SELECT visitor_id FROM silver.events) EXCEPT ALL (SELECT visitor_id FROM silver.sessions) ORDER BY 1 LIMIT 3

SELECT site_id, count(*) AS n FROM silver.events GROUP BY site_id HAVING n > 10 AND count(DISTINCT visitor_id) > 1

SELECT * FROM silver.events QUALIFY row_number() OVER (PARTITION BY visitor_id ORDER BY event_time DESC) = 1 LIMIT 3

SELECT CASE WHEN duration_s < 10 THEN 'short' WHEN duration_s < 60 THEN 'middle' ELSE 'long' END AS kind, count(*) FROM silver.sessions GROUP BY 1

SELECT CASE device_type WHEN 'mobile' THEN 1 ELSE 0 END, if(is_bot, 'bot', 'human'), nvl(country, '?'), nullif(country, 'DE'), ifnull(country, ''), coalesce(country, 'x'), nvl2(country, 1, 0), greatest(1, 2), least(1, 2) FROM silver.events LIMIT 3

SELECT try_cast('x' AS INT), try_divide(1, 0), try_add(1, 2), try_to_number('1', '9'), cast('1' AS BIGINT), double('1.5'), 7 div 2, 7 % 3, -7, mod(7, 2), pmod(-7, 3), abs(-1), round(2.567, 2), floor(2.5), ceil(2.1), bround(2.5), sqrt(2), pow(2, 3), ln(2), log10(100), exp(1), pi()

SELECT sha2(visitor_id, 256), md5(visitor_id), xxhash64(visitor_id), hash(visitor_id), crc32(visitor_id), base64(cast('a' AS BINARY)), hex('a'), uuid() IS NOT NULL, rand() < 1, pmod(hash(visitor_id), 10) = 3 FROM silver.events LIMIT 3

SELECT 1 & 3, 1 | 2, 1 ^ 3, ~1, 1 << 3, 8 >> 1, bit_count(7), NOT true, true AND false OR true, 1 <=> NULL, 1 IS DISTINCT FROM 2, NULL IS NULL, 2 BETWEEN 1 AND 3, 1 IN (1, 2), 1 != 2, 1 <> 2

SELECT visitor_id, sum(revenue) AS revenue, sum(sum(revenue)) OVER (ORDER BY sum(revenue) DESC) AS running FROM silver.sessions GROUP BY visitor_id ORDER BY revenue DESC NULLS LAST LIMIT 5

SELECT visitor_id, event_time, sum(is_new) OVER (PARTITION BY visitor_id ORDER BY event_time) AS session_no FROM (
  SELECT visitor_id, event_time,
         CASE WHEN event_time - lag(event_time) OVER (PARTITION BY visitor_id ORDER BY event_time) > INTERVAL 30 MINUTES THEN 1 ELSE 0 END AS is_new
  FROM silver.events
) LIMIT 10

WITH steps AS (
  SELECT visitor_id, min(event_time) FILTER (WHERE page_path = '/page/1') AS t1, min(event_time) FILTER (WHERE page_path = '/page/2') AS t2 FROM silver.events GROUP BY visitor_id
)
SELECT count(t1) AS step1, count_if(t2 > t1) AS step2, try_divide(count_if(t2 > t1), count(t1)) AS rate FROM steps

SELECT nth_value(page_path, 2) OVER (PARTITION BY visitor_id ORDER BY event_time ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
       count(*) OVER (PARTITION BY visitor_id ORDER BY event_time RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW), cume_dist() OVER (ORDER BY event_time) FROM silver.events LIMIT 5

SELECT * EXCEPT (properties, body_hash) FROM silver.events LIMIT 2

SELECT count(DISTINCT visitor_id, site_id), count(visitor_id), sum(DISTINCT event_hour), min(event_time), max(event_time), bool_or(is_bot), every(is_bot), bit_or(event_hour) FROM silver.events

SELECT views AS n, n * 2 AS doubled, doubled + 1 AS more FROM (SELECT count(*) AS views FROM silver.events)

SELECT page_path, count(*) FROM silver.events TABLESAMPLE (50 PERCENT) GROUP BY page_path

SELECT * FROM silver.events TABLESAMPLE (3 ROWS)

SELECT t.k, t.v FROM VALUES ('a', 1), ('b', 2) AS t(k, v)

VALUES (1, 'a'), (2, 'b')

SELECT e.site_id, m.name FROM silver.events e JOIN (VALUES ('shop', 'The shop'), ('blog', 'The blog')) AS m(site, name) ON e.site_id = m.site LIMIT 3

FROM silver.events SELECT site_id, count(*) GROUP BY site_id

FROM silver.events |> WHERE NOT is_bot |> AGGREGATE count(*) AS n GROUP BY page_path |> ORDER BY n DESC |> LIMIT 3

TABLE gold.pages

SELECT inline(array(struct(1 AS a, 'x' AS b), struct(2 AS a, 'y' AS b)))

SELECT stack(2, 'a', 1, 'b', 2) AS (k, v)

SELECT s.start_end.* FROM (SELECT struct(session_start, session_end) AS start_end FROM silver.sessions) s LIMIT 2

SELECT map_keys(m), map_values(m), m['a'], element_at(m, 'b'), map_entries(m), map_contains_key(m, 'a') FROM (SELECT map('a', 1, 'b', 2) AS m)

SELECT str_to_map('a=1&b=2', '&', '=')['a'], typeof(1.5), luhn_check('4111111111111111'), named_struct('a', 1).a, array(1, 2)[0], struct(1, 2).col2

SELECT count(*) FROM silver.events -- a comment; with a semicolon

/* first */ SELECT /* second */ count(*) /* third */ FROM silver.events;

SELECT 'it''s', "double", 'a;b', '-- no comment', `page_path` FROM `silver`.`events` LIMIT 1

select SITE_ID, Count(*) from SILVER.Events group by 1

SELECT a.page_path FROM silver.page_views AS a INNER JOIN silver.page_views AS b ON a.visitor_id = b.visitor_id AND a.event_id <> b.event_id LIMIT 1

WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a), c AS (WITH d AS (SELECT y FROM b) SELECT y * 2 AS z FROM d) SELECT * FROM a, b, c

SELECT channel, sum(revenue) AS revenue, sum(conversions) AS conversions, try_divide(sum(revenue), sum(conversions)) AS per_conversion FROM silver.sessions GROUP BY channel

SELECT try_divide(count_if(lcp_ms <= 2500), count(lcp_ms)) AS good_lcp, percentile(cls, 0.75) AS cls_p75, percentile(inp_ms, 0.75) FROM silver.page_views WHERE device_type = 'mobile'

SELECT dense_rank() OVER (ORDER BY n DESC) AS place, page_path FROM (SELECT page_path, count(*) AS n FROM silver.page_views GROUP BY 1) ORDER BY place, page_path LIMIT 3 OFFSET 2

FROM silver.events |> SET page_path = lower(page_path) |> DROP properties |> LIMIT 2
