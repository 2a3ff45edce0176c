-- Whatever is not one query: definitions, changes, settings, descriptions, maintenance.
DROP TABLE silver.events
DROP TABLE IF EXISTS gold.pages
DROP VIEW silver.page_views
DROP SCHEMA silver CASCADE
DROP TEMPORARY FUNCTION f
CREATE TABLE t (a INT) USING delta
CREATE TABLE t USING text LOCATION '{canary}'
CREATE TABLE t AS SELECT * FROM silver.events
CREATE OR REPLACE TABLE silver.events AS SELECT 1
CREATE TABLE delta.`{lake}/evil` (a INT)
CREATE TEMPORARY VIEW v AS SELECT 1
CREATE OR REPLACE TEMPORARY VIEW v AS SELECT * FROM text.`{canary}`
CREATE TEMPORARY VIEW v USING text OPTIONS (path '{canary}')
CREATE GLOBAL TEMPORARY VIEW v AS SELECT 1
CREATE VIEW silver.page_views AS SELECT 1
CREATE SCHEMA evil
CREATE DATABASE evil LOCATION '{lake}'
CREATE FUNCTION f AS 'evil.Class' USING JAR '{canary}'
CREATE TEMPORARY FUNCTION f AS 'java.lang.Runtime'
CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x + 1
CREATE FUNCTION f() RETURNS TABLE (a INT) RETURN SELECT 1
CREATE OR REPLACE TABLE FUNCTION f() RETURN SELECT 1
ALTER TABLE silver.events ADD COLUMN x INT
ALTER TABLE silver.events SET TBLPROPERTIES ('a' = 'b')
ALTER TABLE silver.events RENAME TO x
ALTER VIEW silver.page_views AS SELECT 1
INSERT INTO silver.events SELECT * FROM silver.events
INSERT INTO silver.events VALUES (1)
INSERT OVERWRITE silver.events SELECT 1
INSERT OVERWRITE DIRECTORY '{lake}/evil' USING parquet SELECT 1
INSERT OVERWRITE LOCAL DIRECTORY '/tmp/evil' SELECT 1
INSERT INTO delta.`{lake}/silver/events` SELECT 1
WITH x AS (SELECT 1) INSERT INTO silver.events SELECT * FROM x
FROM silver.events INSERT INTO a SELECT 1 INSERT INTO b SELECT 2
UPDATE silver.events SET site_id = 'x'
DELETE FROM silver.events
DELETE FROM delta.`{lake}/silver/events` WHERE true
MERGE INTO silver.events t USING silver.sessions s ON true WHEN MATCHED THEN DELETE
TRUNCATE TABLE silver.events
LOAD DATA INPATH '{canary}' INTO TABLE silver.events
COPY INTO silver.events FROM '{canary}'
SET
SET -v
SET spark.sql.runSQLOnFiles=true
SET spark.sql.session.timeZone
SET TIME ZONE 'UTC'
SET PATH = a.b
RESET
RESET spark.sql.runSQLOnFiles
USE silver
USE CATALOG spark_catalog
SHOW TABLES
SHOW TABLES IN silver
SHOW DATABASES
SHOW CATALOGS
SHOW FUNCTIONS
SHOW VIEWS
SHOW COLUMNS FROM silver.events
SHOW CREATE TABLE silver.events
SHOW PARTITIONS silver.events
SHOW TBLPROPERTIES silver.events
SHOW CURRENT NAMESPACE
DESCRIBE silver.events
DESCRIBE TABLE EXTENDED silver.events
DESCRIBE EXTENDED delta.`{lake}/silver/events`
DESCRIBE DETAIL delta.`{lake}/silver/events`
DESCRIBE HISTORY delta.`{lake}/silver/events`
DESCRIBE HISTORY '{lake}/silver/events'
DESCRIBE FUNCTION java_method
DESCRIBE QUERY SELECT 1
DESCRIBE SCHEMA silver
EXPLAIN SELECT * FROM silver.events
EXPLAIN EXTENDED SELECT 1
EXPLAIN FORMATTED SELECT * FROM silver.events
EXPLAIN CODEGEN SELECT 1
ANALYZE TABLE silver.events COMPUTE STATISTICS
REFRESH TABLE silver.events
REFRESH '{canary}'
REFRESH FUNCTION f
MSCK REPAIR TABLE silver.events
CACHE TABLE silver.events
CACHE LAZY TABLE x AS SELECT 1
UNCACHE TABLE silver.events
CLEAR CACHE
ADD JAR '{canary}'
ADD FILE '{canary}'
ADD ARCHIVE '{canary}'
LIST JARS
LIST FILES
VACUUM delta.`{lake}/silver/events` RETAIN 0 HOURS
VACUUM silver.events
OPTIMIZE delta.`{lake}/silver/events`
OPTIMIZE silver.events ZORDER BY (event_time)
RESTORE TABLE delta.`{lake}/silver/events` TO VERSION AS OF 0
REORG TABLE delta.`{lake}/silver/events` APPLY (PURGE)
GENERATE symlink_format_manifest FOR TABLE delta.`{lake}/silver/events`
CONVERT TO DELTA parquet.`{lake}/x`
FSCK REPAIR TABLE silver.events
COMMENT ON TABLE silver.events IS 'x'
LOCK TABLE silver.events EXCLUSIVE
GRANT SELECT ON silver.events TO x
REPAIR TABLE silver.events
EXPORT TABLE silver.events TO '/tmp/x'
dfs -ls /
!ls
source {canary}
CALL system.evil()
SELECT 1; DROP TABLE silver.events
SELECT 1; SELECT 2
SELECT 1;; SELECT * FROM text.`{canary}`
; DROP TABLE silver.events
CREATE FLOW f AS INSERT INTO x BY NAME SELECT 1
CREATE STREAMING TABLE t AS SELECT 1
CREATE MATERIALIZED VIEW v AS SELECT 1
