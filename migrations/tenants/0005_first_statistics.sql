-- Gathers PostgreSQL's statistics of one of the given tables, if it has grown to four times the size
-- that it had for the last ones, or has none. Returns whether there was one: then there may be more;
-- NULL while another process gathers some.
-- Plans that are made without statistics read all rows of an app, whatever the statement asks for,
-- and autovacuum comes by once a minute at best. It takes over at 1,024 pages.
--
-- With the rights of the tables' owner, since a service's own role may not run ANALYZE. Does
-- nothing to tables of other owners, and waits for nobody: asking for the size of a table that is
-- locked exclusively ends at once, with NULL, and a table that ANALYZE could not lock is left for
-- the next time.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_gather_statistics}(names text[])
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '10ms' AS $f$
DECLARE
  grown record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('gatehouse_gather_statistics')) THEN
    RETURN NULL;
  END IF;
  SELECT c.oid::regclass AS name, c.relpages INTO grown FROM pg_class c
  WHERE c.relname = ANY(names) AND c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r'
    AND c.relowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
    AND c.relpages < 1024
    AND pg_relation_size(c.oid) / current_setting('block_size')::integer
        >= GREATEST(2, 4 * c.relpages)
  ORDER BY c.relpages LIMIT 1;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown.name);
  RETURN EXISTS (SELECT FROM pg_class c WHERE c.oid = grown.name AND c.relpages > grown.relpages);
EXCEPTION WHEN lock_not_available THEN
  RETURN NULL;
END
$f$;
