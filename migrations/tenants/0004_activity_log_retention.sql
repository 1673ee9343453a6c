-- As before, but the operator says how long activity_log is kept (activity_log_retention_days): drops
-- the partitions whose whole month is older than that many days. The default is for processes of the
-- version before, which pass nothing.
--
-- With the rights of the tables' owner, since a service's own role may not change tables. A caller
-- may choose the days only: it may delete every row of the log anyway.
DROP FUNCTION IF EXISTS {schema}.{~gatehouse_maintain_activity_log}();

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_maintain_activity_log}(retention_days integer DEFAULT 31)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  today CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
  kept_days CONSTANT integer := LEAST(GREATEST(retention_days, 1), 36500);
  month date;
  after date;
  part record;
BEGIN
  FOR ahead IN 0..1 LOOP
    month := date_trunc('month', today) + make_interval(months => ahead);
    after := month + make_interval(months => 1);
    CONTINUE WHEN EXISTS (
      SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
      WHERE inhparent = '{schema}.{~activity_log}'::regclass
        AND relname = '{~activity_log}_p' || to_char(month, 'YYYYMM'));
    BEGIN
      EXECUTE format('CREATE TABLE IF NOT EXISTS %1$s_p%2$s PARTITION OF %1$s'
                     ' FOR VALUES FROM (%3$s) TO (%4$s)',
                     '{schema}.{~activity_log}', to_char(month, 'YYYYMM'),
                     (month - date '1970-01-01') * bigint '86400000',
                     (after - date '1970-01-01') * bigint '86400000');
    EXCEPTION
      -- The default partition already has rows of the month; another partition has the month;
      -- another process was faster. Rows are stored all the same.
      WHEN check_violation OR invalid_object_definition OR duplicate_table OR unique_violation THEN
        NULL;
    END;
  END LOOP;

  FOR part IN
    SELECT inhrelid::regclass AS name,
           to_date(substring(relname FROM '_p([0-9][0-9][0-9][0-9](0[1-9]|1[0-2]))$'), 'YYYYMM') AS month
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = '{schema}.{~activity_log}'::regclass
      AND relname ~ '_p[0-9][0-9][0-9][0-9](0[1-9]|1[0-2])$'
  LOOP
    IF part.month + make_interval(months => 1) <= today - kept_days THEN
      EXECUTE format('DROP TABLE IF EXISTS %s', part.name);
    END IF;
  END LOOP;
END
$f$;

-- Partitions for this month and the next. How long the operator keeps the log is not known here, so
-- nothing is dropped: a newer core that had this database may have been told to keep it for longer.
SELECT {schema}.{~gatehouse_maintain_activity_log}(36500);
