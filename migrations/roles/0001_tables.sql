-- Tables of roles: roles and permissions.

CREATE TABLE IF NOT EXISTS {roles} (
  app_id VARCHAR(64) DEFAULT 'public',
  role VARCHAR(255) NOT NULL,
  CONSTRAINT {~roles}_pkey PRIMARY KEY (app_id, role),
  CONSTRAINT {~roles}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS roles_app_id_index ON {roles} (app_id);

CREATE TABLE IF NOT EXISTS {role_permissions} (
  app_id VARCHAR(64) DEFAULT 'public',
  role VARCHAR(255) NOT NULL,
  permission VARCHAR(255) NOT NULL,
  CONSTRAINT {~role_permissions}_pkey PRIMARY KEY (app_id, role, permission),
  CONSTRAINT {~role_permissions}_role_fkey FOREIGN KEY (app_id, role)
      REFERENCES {roles} (app_id, role) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS role_permissions_role_index ON {role_permissions} (app_id, role);
CREATE INDEX IF NOT EXISTS role_permissions_permission_index
  ON {role_permissions} (app_id, permission);

CREATE TABLE IF NOT EXISTS {user_roles} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  user_id VARCHAR(128) NOT NULL,
  role VARCHAR(255) NOT NULL,
  CONSTRAINT {~user_roles}_pkey PRIMARY KEY (app_id, tenant_id, user_id, role),
  CONSTRAINT {~user_roles}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_roles_tenant_id_index ON {user_roles} (app_id, tenant_id);
CREATE INDEX IF NOT EXISTS user_roles_app_id_role_index ON {user_roles} (app_id, role);
CREATE INDEX IF NOT EXISTS user_roles_role_index ON {user_roles} (app_id, tenant_id, role);
CREATE INDEX IF NOT EXISTS user_roles_app_id_user_id_index ON {user_roles} (app_id, user_id);
