-- Files, paths and other data sources, in all spellings. {canary} is a file that nobody may read.
SELECT * FROM text.`{canary}`
SELECT * FROM TEXT.`{canary}`
SELECT * FROM `text`.`{canary}`
SELECT * FROM text.`file:{canary}`
SELECT * FROM text.`file://{canary}`
SELECT * FROM text . `{canary}`
SELECT * FROM/**/text/**/./**/`{canary}`
SELECT value FROM text.`/../../../..{canary}`
SELECT * FROM csv.`{canary}`
SELECT * FROM json.`{canary}`
SELECT * FROM parquet.`{canary}`
SELECT * FROM orc.`{canary}`
SELECT * FROM avro.`{canary}`
SELECT * FROM xml.`{canary}`
SELECT * FROM binaryFile.`{canary}`
SELECT * FROM BINARYFILE.`{canary}`
SELECT content FROM binaryfile.`/etc/passwd`
SELECT * FROM delta.`{lake}/bronze/events`
SELECT * FROM delta.`{lake}/silver/events`
SELECT * FROM delta.`{lake}/silver/events@v0`
SELECT * FROM DELTA.`{lake}/gold/pages`
SELECT * FROM delta.`{lake}/silver/events` VERSION AS OF 0
SELECT * FROM json.`{lake}/silver/events/_delta_log/00000000000000000000.json`
SELECT * FROM `delta`.`{lake}/silver/events`
SELECT * FROM `org.apache.spark.sql.execution.datasources.text`.`{canary}`
SELECT * FROM org.apache.spark.sql.execution.datasources.text.`{canary}`
SELECT * FROM spark_catalog.text.`{canary}`
SELECT * FROM spark_catalog.delta.`{lake}/silver/events`
SELECT * FROM hive.`{canary}`
SELECT * FROM jdbc.`jdbc:sqlite:{canary}`
SELECT * FROM kafka.`topic_web_events`
SELECT * FROM rate.`x`
SELECT * FROM image.`{canary}`
SELECT * FROM libsvm.`{canary}`
SELECT * FROM iceberg.`{canary}`
SELECT * FROM noop.`x`
SELECT * FROM `{canary}`
SELECT * FROM `file:{canary}`
SELECT * FROM `s3://bucket/key`
SELECT * FROM text.`http://127.0.0.1:8002/`
SELECT * FROM text.`hdfs://127.0.0.1/x`
SELECT * FROM (SELECT * FROM text.`{canary}`)
WITH x AS (SELECT * FROM text.`{canary}`) SELECT * FROM x
SELECT (SELECT max(value) FROM text.`{canary}`)
SELECT 1 WHERE EXISTS (SELECT 1 FROM text.`{canary}`)
SELECT 1 WHERE 'x' IN (SELECT value FROM text.`{canary}`)
SELECT * FROM silver.events JOIN text.`{canary}` ON true
SELECT * FROM silver.events, text.`{canary}`
SELECT * FROM silver.events, LATERAL (SELECT * FROM text.`{canary}`)
SELECT 1 AS value UNION ALL SELECT value FROM text.`{canary}`
SELECT value FROM text.`{canary}` EXCEPT SELECT 'x'
SELECT value FROM text.`{canary}` INTERSECT SELECT 'x'
SELECT * FROM VALUES ((SELECT max(value) FROM text.`{canary}`)) AS t(x)
SELECT transform(array(1), x -> (SELECT max(value) FROM text.`{canary}`))
SELECT count(*) FROM silver.events HAVING count(*) > (SELECT count(*) FROM text.`{canary}`)
SELECT * FROM silver.events ORDER BY (SELECT max(value) FROM text.`{canary}`)
SELECT * FROM silver.events LIMIT (SELECT count(*) FROM text.`{canary}`)
SELECT sum(1) OVER (PARTITION BY (SELECT max(value) FROM text.`{canary}`)) FROM silver.events
SELECT sum(1) OVER w FROM silver.events WINDOW w AS (ORDER BY (SELECT max(value) FROM text.`{canary}`))
SELECT max(event_id) FILTER (WHERE event_id IN (SELECT value FROM text.`{canary}`)) FROM silver.events
SELECT * FROM (SELECT 1 a, 2 b) PIVOT (max((SELECT max(value) FROM text.`{canary}`)) FOR a IN (1))
FROM text.`{canary}` SELECT *
FROM text.`{canary}`
TABLE text.`{canary}`
TABLE `text`.`{canary}`
FROM silver.events |> UNION ALL (SELECT * FROM text.`{canary}`)
SELECT input_file_name() FROM silver.events
SELECT INPUT_FILE_NAME ( ) FROM silver.events
SELECT `input_file_name`() FROM silver.events
SELECT input_file_block_start() FROM silver.events
SELECT input_file_block_length() FROM silver.events
SELECT system.builtin.input_file_name() FROM silver.events
SELECT _metadata FROM silver.events
SELECT _METADATA.file_path FROM silver.events
SELECT events._metadata.file_name FROM silver.events
SELECT `_metadata`.`file_path` FROM gold.pages
SELECT e._metadata.file_size FROM silver.events e
SELECT max(_metadata.file_modification_time) FROM silver.sessions
SELECT _metadata.row_index FROM silver.page_views
SELECT * EXCEPT (_metadata) FROM (SELECT *, _metadata FROM silver.events)
SELECT from_protobuf(x'00', 'M', '{canary}')
SELECT from_avro(x'00', '{"type":"string"}')
SELECT to_protobuf(struct(1), 'M', '{canary}')
SELECT xpath_string('<!DOCTYPE a [<!ENTITY x SYSTEM "file://{canary}">]><a>&x;</a>', 'a')
SELECT xpath('<a><b>1</b></a>', 'a/b/text()')
SELECT from_xml('<!DOCTYPE a [<!ENTITY x SYSTEM "{canary}">]><a>&x;</a>', 'a STRING')
SELECT schema_of_xml('<a/>')
SELECT to_xml(struct(1))
