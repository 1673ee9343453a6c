-- A number for each tenant that is ever created, to distinguish it from a removed one of the same
-- name: see docs/adr/0009-requests-keep-the-tenant-they-were-judged-by.md. Kept by a trigger, since
-- a core of the original may create tenants too. Rows are deleted with their tenants.
CREATE TABLE IF NOT EXISTS {gatehouse_tenant_incarnations} (
  connection_uri_domain VARCHAR(256) NOT NULL,
  app_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  incarnation BIGINT GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT {~gatehouse_tenant_incarnations}_pkey
      PRIMARY KEY (connection_uri_domain, app_id, tenant_id),
  CONSTRAINT {~gatehouse_tenant_incarnations}_tenant_fkey
      FOREIGN KEY (connection_uri_domain, app_id, tenant_id)
      REFERENCES {tenant_configs} (connection_uri_domain, app_id, tenant_id) ON DELETE CASCADE
);

-- With its owner's rights: a role that may write tenant_configs needs no rights on our table.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_number_tenant}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  INSERT INTO {schema}.{~gatehouse_tenant_incarnations} (connection_uri_domain, app_id, tenant_id)
  VALUES (NEW.connection_uri_domain, NEW.app_id, NEW.tenant_id) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $f$;

DROP TRIGGER IF EXISTS gatehouse_number_tenant ON {tenant_configs};
CREATE TRIGGER gatehouse_number_tenant AFTER INSERT ON {tenant_configs}
FOR EACH ROW EXECUTE FUNCTION {schema}.{~gatehouse_number_tenant}();

INSERT INTO {gatehouse_tenant_incarnations} (connection_uri_domain, app_id, tenant_id)
SELECT connection_uri_domain, app_id, tenant_id FROM {tenant_configs} ON CONFLICT DO NOTHING;
