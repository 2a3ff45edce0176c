-- Tables that are not ours to show: other layers, other catalogs, views of others, the past.
SELECT * FROM bronze.events
SELECT * FROM BRONZE.EVENTS
SELECT * FROM `bronze`.`events`
SELECT * FROM bronze.dead_letters
SELECT * FROM silver.duplicates
SELECT * FROM ops.heartbeats
SELECT * FROM events
SELECT * FROM sessions
SELECT * FROM pages
SELECT * FROM gold.nothing
SELECT * FROM silver.`events/../../bronze/events`
SELECT * FROM `silver.events`
SELECT * FROM `silver.events`.`x`
SELECT * FROM spark_catalog.silver.events
SELECT * FROM hive_metastore.silver.events
SELECT * FROM system.silver.events
SELECT * FROM silver.events.files
SELECT * FROM silver.events.history
SELECT * FROM global_temp.silver_events
SELECT * FROM global_temp.v
SELECT * FROM silver_events
SELECT * FROM silver_events_0
SELECT * FROM silver_events_1
SELECT * FROM silver_events_99
SELECT * FROM gold_pages_1
SELECT * FROM information_schema.tables
SELECT * FROM system.information_schema.tables
SELECT * FROM default.x
SELECT * FROM sqlite_master
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM dual
SELECT (SELECT count(*) FROM bronze.events)
WITH bronze AS (SELECT 1) SELECT * FROM bronze.events
WITH `bronze.events` AS (SELECT 1) SELECT * FROM bronze.events
WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a
WITH a AS (SELECT * FROM bronze.events) SELECT 1
WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM b
SELECT * FROM (WITH silver_events_1 AS (SELECT 1) SELECT 1), silver_events_1
SELECT * FROM silver.events JOIN bronze.events USING (event_id)
SELECT * FROM silver.events WHERE event_id IN (SELECT event_id FROM bronze.events)
SELECT * FROM silver.events WHERE EXISTS (SELECT 1 FROM bronze.dead_letters)
SELECT 1 FROM silver.events UNION SELECT 1 FROM bronze.events
SELECT * FROM silver.events, LATERAL (SELECT * FROM bronze.events)
SELECT transform(array(1), x -> (SELECT count(*) FROM bronze.events))
TABLE bronze.events
FROM bronze.events
FROM bronze.events |> LIMIT 1
SELECT * FROM silver.events VERSION AS OF 0
SELECT * FROM silver.events FOR VERSION AS OF 0
SELECT * FROM silver.events TIMESTAMP AS OF '2015-01-01'
SELECT * FROM silver.events FOR SYSTEM_TIME AS OF '2015-01-01'
SELECT * FROM silver.events FOR SYSTEM_VERSION AS OF 1
SELECT * FROM silver.events TIMESTAMP AS OF current_timestamp() - INTERVAL 1 DAY
SELECT * FROM silver.events TIMESTAMP AS OF (SELECT max(event_time) FROM silver.events)
SELECT * FROM silver.events@v0
SELECT * FROM silver.`events@v0`
SELECT * FROM silver.events@20150101000000000
SELECT * FROM (SELECT * FROM silver.events VERSION AS OF 0) t
WITH t AS (SELECT * FROM gold.pages VERSION AS OF 0) SELECT * FROM t
SELECT * FROM silver.sessions VERSION AS OF 0 s JOIN silver.events e ON true
SELECT * FROM silver.page_views VERSION AS OF 0
SELECT * FROM gold.pages FOR VERSION AS OF '0'
SELECT * FROM silver.events WITH (versionAsOf = '0')
SELECT * FROM silver.events WITH ('readChangeFeed' = 'true', 'startingVersion' = '0')
SELECT * FROM silver.events OPTIONS (versionAsOf 0)
SELECT * FROM table_changes('silver.events', 0)
SELECT * FROM table_changes('silver.events', 0, 1)
SELECT * FROM table_changes_by_path('{lake}/silver/events', 0)
SELECT * FROM TABLE_CHANGES('bronze.events', 0)
SELECT * FROM system.builtin.table_changes('silver.events', 0)
SELECT * FROM STREAM(silver.events)
SELECT * FROM STREAM silver.events
SELECT * FROM STREAM(bronze.events)
SELECT * FROM python_worker_logs()
SELECT * FROM sql_keywords()
SELECT * FROM collations()
SELECT * FROM read_files('{canary}')
SELECT * FROM read_csv('{canary}')
SELECT * FROM read_kafka(bootstrapServers => '127.0.0.1:9092', subscribe => 'x')
SELECT * FROM cloud_files('{canary}', 'text')
SELECT * FROM remote_query('x')
SELECT * FROM read_statestore('{lake}')
SELECT * FROM state_metadata('{lake}')
SELECT * FROM my_udtf(TABLE(silver.events))
SELECT * FROM my_udtf(TABLE(SELECT * FROM text.`{canary}`))
SELECT * FROM explode(TABLE(silver.events))
SELECT * FROM upper('x')
SELECT * FROM count(1)
SELECT * FROM VALUES (1) AS t LATERAL VIEW my_udtf(1) x AS y
SELECT * FROM silver.events LATERAL VIEW java_method('a', 'b') x AS y
SELECT * FROM LATERAL sql_keywords()
SELECT * FROM silver.events, LATERAL python_worker_logs()
SELECT current_user()
SELECT current_user
SELECT CURRENT_USER
SELECT user
SELECT user()
SELECT session_user()
SELECT session_user
SELECT current_catalog()
SELECT current_catalog
SELECT current_database()
SELECT current_database
SELECT current_schema()
SELECT current_schema
SELECT current_path()
SELECT version()
SELECT spark_partition_id()
SELECT concat('x', current_user())
SELECT * FROM silver.events WHERE user_id = current_user()
SELECT measure(page_views) FROM gold.pages
SELECT /*+ BROADCAST(e) */ * FROM silver.events e
SELECT /*+ REPARTITION(1000000) */ * FROM silver.events
SELECT /*+ COALESCE(1), REBALANCE */ * FROM silver.events
SELECT /*+ SHUFFLE_REPLICATE_NL(a) */ * FROM silver.events a
SELECT * FROM silver.events DISTRIBUTE BY event_id
SELECT * FROM silver.events CLUSTER BY event_id
SELECT * FROM silver.events TABLESAMPLE (10 ROWS) VERSION AS OF 0
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r
WITH RECURSIVE r(n) MAX RECURSION LEVEL 1000000 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r
