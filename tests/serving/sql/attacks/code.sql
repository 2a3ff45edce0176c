-- Code: classes, programs, scripts, variables, statements made of text.
SELECT java_method('java.lang.System', 'getenv')
SELECT java_method('java.lang.System', 'getProperty', 'user.home')
SELECT reflect('java.lang.System', 'exit', 0)
SELECT REFLECT('java.lang.Runtime', 'getRuntime')
SELECT `reflect`('java.lang.System', 'getenv')
SELECT try_reflect('java.lang.System', 'getenv', 'PATH')
SELECT /**/java_method/**/('java.lang.System', 'getenv')
SELECT system.builtin.java_method('java.lang.System', 'getenv')
SELECT builtin.reflect('java.lang.System', 'getenv')
SELECT `system`.`builtin`.`try_reflect`('java.lang.System', 'getenv', 'PATH')
SELECT spark_catalog.default.reflect('java.lang.System', 'getenv')
SELECT upper(reflect('java.lang.System', 'getProperty', 'java.class.path'))
SELECT transform(array('PATH'), x -> reflect('java.lang.System', 'getenv', x))
SELECT aggregate(array('a'), '', (a, x) -> java_method('java.lang.System', 'getenv', x))
SELECT filter(array(1), x -> try_reflect('java.lang.System', 'getenv', 'x') IS NULL)
SELECT * FROM silver.events WHERE java_method('java.lang.System', 'getenv', 'x') IS NULL
SELECT count(*) FROM silver.events GROUP BY reflect('java.lang.System', 'getenv', 'x')
SELECT * FROM silver.events ORDER BY java_method('java.util.UUID', 'randomUUID')
SELECT max(x) OVER (ORDER BY reflect('java.lang.System', 'nanoTime')) FROM (SELECT 1 x)
SELECT max(1) FILTER (WHERE reflect('java.lang.System', 'nanoTime') IS NOT NULL)
SELECT sum(1) OVER w FROM silver.events WINDOW w AS (PARTITION BY reflect('java.lang.System', 'nanoTime'))
SELECT * FROM silver.events LATERAL VIEW explode(array(reflect('java.lang.System', 'getenv', 'x'))) t AS y
SELECT * FROM explode(array(java_method('java.lang.System', 'getenv', 'x')))
SELECT * FROM VALUES (reflect('java.lang.System', 'getenv', 'x')) AS t(a)
VALUES (java_method('java.lang.System', 'getenv', 'x'))
SELECT 1 LIMIT length(reflect('java.lang.System', 'getenv', 'x'))
SELECT CASE WHEN true THEN reflect('java.lang.System', 'getenv', 'x') END
SELECT array(1)[java_method('java.lang.Integer', 'parseInt', '0')]
SELECT struct(reflect('java.lang.System', 'getenv', 'x')).col1
SELECT coalesce(NULL, (SELECT reflect('java.lang.System', 'getenv', 'x')))
SELECT * FROM (SELECT 1 a) PIVOT (max(reflect('java.lang.System', 'getenv', 'x')) FOR a IN (1))
SELECT count(*) FROM silver.events HAVING reflect('java.lang.System', 'getenv', 'x') IS NULL
SELECT a FROM (SELECT 1 a) QUALIFY reflect('java.lang.System', 'getenv', 'x') IS NULL
SELECT 'x' LIKE reflect('java.lang.System', 'getenv', 'x')
SELECT CAST(reflect('java.lang.System', 'getenv', 'x') AS STRING)
SELECT * FROM silver.events e JOIN silver.sessions s ON reflect('java.lang.System', 'getenv', 'x') = s.site_id
FROM silver.events |> EXTEND reflect('java.lang.System', 'getenv', 'x') AS y
SELECT TRANSFORM(event_id) USING 'cat' FROM silver.events
SELECT TRANSFORM(event_id) USING 'cat {canary}' AS (x) FROM silver.events
SELECT TRANSFORM (event_id) USING 'sh -c "cat {canary}"' AS x STRING FROM silver.events
SELECT TRANSFORM(*) USING 'python3 -c "import os"' FROM silver.events
SELECT TRANSFORM(1) USING 'id'
SELECT * FROM (SELECT TRANSFORM(event_id) USING 'cat' AS (x) FROM silver.events)
WITH t AS (SELECT TRANSFORM(event_id) USING 'cat' AS (x) FROM silver.events) SELECT * FROM t
FROM silver.events SELECT TRANSFORM(event_id) USING 'cat' AS (x)
FROM silver.events MAP event_id USING 'cat' AS (x)
FROM silver.events REDUCE event_id USING 'cat' AS (x)
MAP event_id USING 'cat' FROM silver.events
REDUCE event_id USING 'cat' FROM silver.events
SELECT TRANSFORM(event_id) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' USING 'cat' AS (x) FROM silver.events
BEGIN SELECT 1; END
BEGIN DECLARE x INT DEFAULT 1; SELECT x; END
BEGIN NOT ATOMIC SELECT 1; END
BEGIN IF 1 = 1 THEN SELECT * FROM text.`{canary}`; END IF; END
BEGIN WHILE true DO SELECT 1; END WHILE; END
BEGIN LOOP SELECT 1; END LOOP; END
BEGIN REPEAT SELECT 1; UNTIL true END REPEAT; END
BEGIN FOR r AS SELECT * FROM silver.events DO SELECT r.event_id; END FOR; END
BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION SELECT 1; SELECT 1/0; END
BEGIN EXECUTE IMMEDIATE 'DROP TABLE silver.events'; END
lbl: BEGIN LEAVE lbl; END lbl
BEGIN SIGNAL SQLSTATE '45000'; END
EXECUTE IMMEDIATE 'SELECT 1'
EXECUTE IMMEDIATE 'SELECT * FROM text.`{canary}`'
EXECUTE IMMEDIATE concat('DROP ', 'TABLE silver.events')
EXECUTE IMMEDIATE 'SELECT ?' USING 1
EXECUTE IMMEDIATE 'SELECT 1' INTO x
DECLARE VARIABLE x INT
DECLARE OR REPLACE x = (SELECT max(value) FROM text.`{canary}`)
SET VAR x = 1
SET VARIABLE x = (SELECT 1)
DROP TEMPORARY VARIABLE x
FETCH c INTO x
OPEN c
SELECT session.x
SELECT system.session.x
SELECT ?
SELECT :a
SELECT * FROM silver.events LIMIT :n
SELECT * FROM IDENTIFIER(:t)
SELECT IDENTIFIER(:c) FROM silver.events
SELECT * FROM IDENTIFIER('text.`{canary}`')
SELECT * FROM IDENTIFIER('silver.' || 'events')
SELECT * FROM IDENTIFIER('silver.events')
SELECT * FROM IDENTIFIER('bronze.events')
SELECT * FROM IDENTIFIER(concat('bronze', '.events'))
SELECT IDENTIFIER('java' || '_method')('java.lang.System', 'getenv')
SELECT IDENTIFIER('reflect')('java.lang.System', 'getenv', 'x')
SELECT IDENTIFIER(lower('REFLECT'))('java.lang.System', 'getenv', 'x')
SELECT IDENTIFIER('input_file_name')() FROM silver.events
SELECT IDENTIFIER('_meta' || 'data') FROM silver.events
DROP TABLE IDENTIFIER('silver.events')
TABLE IDENTIFIER('text.`{canary}`')
SELECT raise_error('x')
SELECT raise_error('USER_RAISED_EXCEPTION', map('errorMessage', 'x'))
SELECT assert_true(false)
SELECT assert_true(1 > 2, 'x')
SELECT if(true, raise_error('x'), 1)
SELECT my_python_udf(1)
SELECT default.my_udf(event_id) FROM silver.events
SELECT python_udtf(1)
SELECT ai_query('x')
SELECT http_get('http://127.0.0.1')
SELECT load_extension('x')
SELECT pg_read_file('{canary}')
SELECT xp_cmdshell('id')
SELECT sys_eval('id')
SELECT url_open('http://127.0.0.1')
