-- Comments, quotes, case, characters. ⏎ is a line break, ␀ a NUL, ⇥ a tab.
SELECT/*x*/java_method/*y*/(/*z*/'java.lang.System'/**/,'getenv')
SELECT --x⏎java_method('java.lang.System', 'getenv')
/* SELECT 1 */ DROP TABLE silver.events
-- SELECT 1⏎DROP TABLE silver.events
/*! SELECT 1 */ SHOW TABLES
/* /* nested */ SELECT 1 */ SHOW TABLES
SELECT 1 -- ⏎; DROP TABLE silver.events
SELECT 1 /* */; DROP /* */ TABLE silver.events
SELECT '1' --' FROM silver.events⏎ UNION ALL SELECT * FROM text.`{canary}`
SELECT "1" /* " */ , reflect("java.lang.System", "getenv", "x")
SELECT r'\', java_method('java.lang.System', 'getenv') --'
SELECT '\'', java_method('java.lang.System', 'getenv'), '\''
SELECT '''', reflect('java.lang.System', 'getenv', '''')
SELECT "\"", reflect('java.lang.System', 'getenv', "\"")
SELECT `a``b` FROM (SELECT 1 AS `a``b`), text.`{canary}`
SELECT * FROM text.`{canary}```
SELECT * FROM `te``xt`.`{canary}`
SELECT * FROM tExT.`{canary}`
sElEcT jAvA_mEtHoD('java.lang.System', 'getenv')
SELECT⇥reflect⇥(⇥'java.lang.System', 'getenv', 'x')
SELECT⏎⏎reflect⏎('java.lang.System',⏎'getenv', 'x')
SELECT * FROM⏎text⏎.⏎`{canary}`
SELECT ((((((reflect('java.lang.System', 'getenv', 'x')))))))
(((SELECT * FROM text.`{canary}`)))
((SELECT 1) UNION (SELECT * FROM text.`{canary}`))
SELECT * FROM (((text.`{canary}`)))
SELECT * FROM (silver.events JOIN text.`{canary}`)
SELECT * FROM (text.`{canary}` AS silver) JOIN silver.events
SELECT ｒｅｆｌｅｃｔ('java.lang.System', 'getenv', 'x')
SELECT reflect​('java.lang.System', 'getenv', 'x')
SELECT reﬂect('java.lang.System', 'getenv', 'x')
SELECT ‮reflect('java.lang.System', 'getenv', 'x')
SELECT * FROM bronze．events
SELECT * FROM ｂｒｏｎｚｅ.events
SELECT * FROM bronze.events
﻿DROP TABLE silver.events
SELECT 1␀; DROP TABLE silver.events
SELECT * FROM silver.events␀
SELECT \u006aava_method('java.lang.System', 'getenv')
SELECT `\u006aava_method`('java.lang.System', 'getenv')
SELECT e'\x41'
SELECT $$x$$
SELECT q'[x]'
SELECT * FROM silver.events WHERE event_id = '' OR 1=1; DROP TABLE silver.events; --
SELECT * FROM silver.events PROCEDURE ANALYSE()
SELECT 1 INTO OUTFILE '/tmp/evil'
SELECT * INTO evil FROM silver.events
SELECT LOAD_FILE('{canary}')
SELECT @@version
SELECT @x := 1
SELECT ${env:PATH}
SELECT '${spark.driver.host}' AS x, reflect('a', 'b')
SELECT ${system:user.home}
SELECT {{1}}
SELECT {silver_events}
SELECT * FROM {silver_events}
SELECT * FROM :silver_events
SELECT 1 FROM silver.events AS OF SYSTEM TIME '2015'
SELECT * FROM silver.events FETCH FIRST 1 ROWS ONLY; SHOW TABLES
SELECT CASE WHEN (SELECT 1 FROM text.`{canary}` LIMIT 1) = 1 THEN 1 END
SELECT map('a', reflect('java.lang.System', 'getenv', 'x'))['a']
SELECT named_struct('a', java_method('java.lang.System', 'getenv', 'x')).a
SELECT to_json(struct(reflect('java.lang.System', 'getenv', 'x') AS x))
SELECT date_add(current_date, CAST(reflect('java.lang.Math', 'abs', 1) AS INT))
SELECT substring('x' FROM CAST(java_method('java.lang.Math', 'abs', 1) AS INT))
SELECT trim(BOTH reflect('java.lang.System', 'getenv', 'x') FROM 'x')
SELECT overlay('x' PLACING reflect('java.lang.System', 'getenv', 'x') FROM 1)
SELECT position(reflect('java.lang.System', 'getenv', 'x') IN 'x')
SELECT extract(YEAR FROM CAST(reflect('java.time.LocalDate', 'now') AS DATE))
SELECT x -> 1
SELECT reflect(DISTINCT 'java.lang.System', 'getenv', 'x')
SELECT reflect(class => 'java.lang.System')
SELECT reflect ALL
SELECT sum(1) WITHIN GROUP (ORDER BY reflect('java.lang.System', 'getenv', 'x'))
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(reflect('java.lang.Math', 'random') AS DOUBLE))
SELECT first_value(reflect('java.lang.System', 'getenv', 'x') IGNORE NULLS)
SELECT INTERVAL reflect('java.lang.Math', 'abs', 1) DAY
SELECT 'a' IN ('b', reflect('java.lang.System', 'getenv', 'x'))
SELECT 1 BETWEEN 0 AND CAST(reflect('java.lang.Math', 'abs', 1) AS INT)
SELECT 'x' LIKE ANY ('a', reflect('java.lang.System', 'getenv', 'x'))
SELECT parse_json('{}'):a, reflect('java.lang.System', 'getenv', 'x')
SELECT * FROM silver.events GROUP BY GROUPING SETS ((reflect('java.lang.System', 'getenv', 'x')))
SELECT * FROM (SELECT 1 a, 2 b) UNPIVOT (v FOR k IN (a, b)) WHERE reflect('java.lang.System', 'getenv', 'x') IS NULL
SELECT count(*) FROM silver.events TABLESAMPLE (CAST(reflect('java.lang.Math', 'abs', 1) AS INT) ROWS)
FROM silver.events |> SET event_id = reflect('java.lang.System', 'getenv', 'PATH')
FROM silver.events |> SET event_id = (SELECT max(value) FROM text.`{canary}`)
FROM silver.events |> SET event_id = repeat('a', 1000000000)
FROM silver.events |> DROP event_id |> SELECT input_file_name()
FROM silver.events |> AS e |> JOIN text.`{canary}` ON true
FROM silver.events |> PIVOT (max(reflect('java.lang.System', 'getenv', 'x')) FOR site_id IN ('a'))
FROM silver.events |> WINDOW w AS (ORDER BY reflect('java.lang.System', 'getenv', 'x')) |> SELECT sum(1) OVER w
FROM silver.events |> TABLESAMPLE (CAST(reflect('java.lang.Math', 'abs', 1) AS INT) ROWS)
FROM silver.events |> LIMIT length(reflect('java.lang.System', 'getenv', 'PATH'))
FROM silver.events |> EXCEPT ALL (FROM bronze.events)
FROM silver.events |> AGGREGATE max(java_method('java.lang.System', 'getenv', 'x')) GROUP BY site_id
SELECT count(*) FROM silver.events WHERE event_id IN (VALUES (reflect('java.lang.System', 'getenv', 'x')))
SELECT * FROM silver.events LIMIT 1 OFFSET CAST(reflect('java.lang.Math', 'abs', 1) AS INT)
SELECT sum(1) OVER (ORDER BY event_hour ROWS BETWEEN CAST(reflect('java.lang.Math', 'abs', 1) AS INT) PRECEDING AND CURRENT ROW) FROM silver.events
