-- Ensures that activity_log has partitions for this month and the next, and drops those whose
-- whole month is older than 31 days, as the original does. Run daily, and before the first row of a
-- month is written.
--
-- With the rights of the tables' owner, since a service's own role may not change tables. It takes
-- no arguments, so a caller can only do what is due anyway.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_maintain_activity_log}() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  today CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
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
    IF part.month + make_interval(months => 1) <= today - 31 THEN
      EXECUTE format('DROP TABLE IF EXISTS %s', part.name);
    END IF;
  END LOOP;
END
$f$;
