-- The meaning of a user id, for statements of other services: a session is made, refreshed or read
-- in one visit instead of two (docs/adr, decision 21). With the rights of the tables' owner. They
-- have no settings of their own, which would cost a call as much as its look-ups: each name is
-- written with its schema instead, those of operators and of types that are no key words (bpchar)
-- too, so that nothing of the caller's is called. The caller's connection sets how to plan.

-- The id of the primary user of a login method, or null for an id that is not the internal one of
-- a login method. By app_id_to_user_id's primary key.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_primary_user_id}(app varchar, id varchar)
RETURNS pg_catalog.bpchar LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER AS $f$
BEGIN
  RETURN (SELECT u.primary_or_recipe_user_id FROM {schema}.{~app_id_to_user_id} u
          WHERE u.app_id OPERATOR(pg_catalog.=) app
            AND u.user_id OPERATOR(pg_catalog.=) id::pg_catalog.bpchar);
END $f$;

-- The login method that an id means, internal or external, and its primary user; nulls if there is
-- none, or the id is null. The method's own mapping is that by which its id was found: `e` when it
-- is internal, `m` when it is external. By app_id_to_user_id's primary key,
-- userid_mapping_supertokens_user_id_key and userid_mapping_external_user_id_key.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_resolve_user_id}(app varchar, id varchar,
  OUT user_id pg_catalog.bpchar, OUT external_id varchar, OUT primary_id pg_catalog.bpchar,
  OUT primary_external varchar, OUT is_external boolean)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER AS $f$
BEGIN
  SELECT u.user_id, COALESCE(e.external_user_id, m.external_user_id, u.user_id::varchar),
    u.primary_or_recipe_user_id,
    CASE WHEN u.primary_or_recipe_user_id OPERATOR(pg_catalog.=) u.user_id
      THEN COALESCE(e.external_user_id, m.external_user_id, u.user_id::varchar)
      ELSE COALESCE((SELECT lead.external_user_id FROM {schema}.{~userid_mapping} lead
        WHERE lead.app_id OPERATOR(pg_catalog.=) u.app_id
          AND lead.supertokens_user_id OPERATOR(pg_catalog.=) u.primary_or_recipe_user_id),
        u.primary_or_recipe_user_id::varchar) END,
    m.app_id IS NOT NULL
  INTO user_id, external_id, primary_id, primary_external, is_external
  FROM (SELECT id AS id) given
  LEFT JOIN {schema}.{~userid_mapping} e ON e.app_id OPERATOR(pg_catalog.=) app
    AND e.supertokens_user_id OPERATOR(pg_catalog.=) given.id::pg_catalog.bpchar
  LEFT JOIN {schema}.{~userid_mapping} m ON m.app_id OPERATOR(pg_catalog.=) app
    AND m.external_user_id OPERATOR(pg_catalog.=) given.id AND e.app_id IS NULL
  LEFT JOIN {schema}.{~app_id_to_user_id} u ON u.app_id OPERATOR(pg_catalog.=) app
    AND u.user_id OPERATOR(pg_catalog.=) COALESCE(m.supertokens_user_id, given.id::pg_catalog.bpchar);
END $f$;
