{{/* Environment of a component: [root, component]. */}}
{{- define "gatehouse.env" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := $root.Values -}}
{{- $front := eq $component (include "gatehouse.front" $root) -}}
{{- $services := keys (include "gatehouse.table" $root | fromYaml).services | sortAlpha -}}
- {name: GATEHOUSE_ADMIN_HOST, value: {{ $values.listenAddress | quote }}}
- {name: GATEHOUSE_ADMIN_PORT, value: "3568"}
- {name: GATEHOUSE_SHUTDOWN_DELAY_MS, value: {{ $values.shutdown.delayMs | int | quote }}}
- {name: GATEHOUSE_DRAIN_TIMEOUT_MS, value: {{ $values.shutdown.drainTimeoutMs | int | quote }}}
{{- if $front }}
- {name: SUPERTOKENS_HOST, value: {{ $values.listenAddress | quote }}}
- {name: SUPERTOKENS_PORT, value: "3567"}
{{- end }}
{{- if include "gatehouse.split" $root }}
{{- range $services }}
- {name: GATEHOUSE_{{ upper . }}_ADDRESS, value: {{ ternary (include "gatehouse.listen" (list $values.listenAddress 7000)) (printf "%s-%s:7000" (include "gatehouse.fullname" $root) .) (eq . $component) | quote }}}
{{- end }}
{{- if eq $values.tls.mode "secret" }}
- {name: GATEHOUSE_INTERNAL_SECRET_FILE, value: /run/secrets/gatehouse/internal/secret}
{{- else }}
- {name: GATEHOUSE_TLS_CERT_FILE, value: /run/secrets/gatehouse/tls/tls.crt}
- {name: GATEHOUSE_TLS_KEY_FILE, value: /run/secrets/gatehouse/tls/tls.key}
- {name: GATEHOUSE_TLS_CA_FILE, value: /run/secrets/gatehouse/tls/ca.crt}
{{- end }}
{{- end }}
{{- if eq $values.database.kind "embedded" }}
- {name: GATEHOUSE_DATA_DIR, value: /var/lib/gatehouse/postgresql}
{{- else if ne $component "gateway" }}
{{- include "gatehouse.db.where" $root }}
{{- if include "gatehouse.serviceRoles" $root }}
{{- $roles := ternary $services (list $component) (eq $component "gatehouse") }}
- {name: POSTGRESQL_USER, value: gatehouse_{{ first $roles }}}
- {name: POSTGRESQL_PASSWORD_FILE, value: /run/secrets/gatehouse/database/{{ first $roles }}}
{{- include "gatehouse.db.roles" $roles }}
{{- else }}
{{- include "gatehouse.db.owner" $root }}
{{- end }}
{{- end }}
{{- include "gatehouse.secretEnv" $root }}
{{- end }}

{{/* Secret settings. */}}
{{- define "gatehouse.secretEnv" -}}
{{- if .Values.apiKeys.enabled }}
- {name: API_KEYS_FILE, value: /run/secrets/gatehouse/config/api_keys}
{{- end }}
{{- range .Values.secretConfig.keys }}
- {name: {{ upper . }}_FILE, value: /run/secrets/gatehouse/config/{{ . }}}
{{- end }}
{{- end }}

{{/* Volumes of a component: [root, component]. */}}
{{- define "gatehouse.volumes" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := $root.Values -}}
{{- $fullname := include "gatehouse.fullname" $root -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
- name: config
  configMap: {name: {{ $fullname }}}
{{- if eq $values.database.kind "embedded" }}
- name: data
  persistentVolumeClaim: {claimName: {{ $fullname }}-data}
{{- else if and (ne $component "gateway") (not $values.existingSecret) }}
- name: database
  projected:
    defaultMode: 0440
    sources:
      {{- $services := keys (include "gatehouse.table" $root | fromYaml).services | sortAlpha -}}
      {{- if include "gatehouse.serviceRoles" $root }}
      {{- with include "gatehouse.db.sources" (list $root (ternary $services (list $component) (eq $component "gatehouse")) false "") | trim }}{{ . | nindent 6 }}{{ end }}
      {{- else }}
      {{- with include "gatehouse.db.sources" (list $root list true "") | trim }}{{ . | nindent 6 }}{{ end }}
      {{- end }}
{{- include "gatehouse.db.caVolume" $root }}
{{- end }}
{{- if include "gatehouse.split" $root }}
{{- if eq $values.tls.mode "secret" }}
- name: internal
  secret:
    secretName: {{ $values.tls.existingSecret | default (printf "%s-internal" $fullname) }}
    defaultMode: 0440
    items: [{key: {{ ternary $values.tls.existingSecretKey "internal_secret" (ne $values.tls.existingSecret "") }}, path: secret}]
{{- else }}
- name: tls
  secret:
    secretName: {{ ternary (printf "%s-%s-tls" $fullname $component) ($values.tls.secretNamePattern | replace "%s" $component) (eq $values.tls.mode "cert-manager") }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- if or $values.apiKeys.enabled $values.secretConfig.keys }}
- name: secret-config
  projected:
    defaultMode: 0440
    sources:
      {{- if $values.apiKeys.enabled }}
      - secret:
          name: {{ $values.apiKeys.existingSecret | default (printf "%s-api-keys" $fullname) }}
          items: [{key: {{ ternary $values.apiKeys.existingSecretKey "api_keys" (ne $values.apiKeys.existingSecret "") }}, path: api_keys}]
      {{- end }}
      {{- if $values.secretConfig.keys }}
      - secret:
          name: {{ $values.secretConfig.existingSecret }}
          items:
            {{- range $values.secretConfig.keys }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      {{- end }}
{{- end }}
{{- end }}

{{/* Mounts of a component: [root, component]. */}}
{{- define "gatehouse.mounts" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := $root.Values -}}
- {name: tmp, mountPath: /tmp}
- {name: config, mountPath: /etc/gatehouse, readOnly: true}
{{- if eq $values.database.kind "embedded" }}
- {name: data, mountPath: /var/lib/gatehouse}
{{- else if and (ne $component "gateway") (not $values.existingSecret) }}
- {name: database, mountPath: /run/secrets/gatehouse/database, readOnly: true}
{{- include "gatehouse.db.caMount" $root }}
{{- end }}
{{- if include "gatehouse.split" $root }}
- {name: {{ ternary "internal" "tls" (eq $values.tls.mode "secret") }}, mountPath: /run/secrets/gatehouse/{{ ternary "internal" "tls" (eq $values.tls.mode "secret") }}, readOnly: true}
{{- end }}
{{- if or $values.apiKeys.enabled $values.secretConfig.keys }}
- {name: secret-config, mountPath: /run/secrets/gatehouse/config, readOnly: true}
{{- end }}
{{- end }}

{{/* Waits for the tables that the Job of a first installation makes: [root, component]. The program would end, and be started again after ever longer pauses. */}}
{{- define "gatehouse.waitForTables" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := $root.Values -}}
{{- if and (include "gatehouse.serviceRoles" $root) $values.migration.enabled (ne $component "gateway") (ne $values.database.kind "external") }}
{{- $role := ternary "accounts" $component (eq $component "gatehouse") }}
initContainers:
  - name: wait-for-tables
    image: {{ ternary $values.database.cloudnativepg.image $values.database.trial.image (eq $values.database.kind "cloudnativepg") }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    command: [sh, -c]
    args:
      - |
        export PGPASSWORD="$(cat /run/secrets/gatehouse/database/{{ $role }})"
        until error=$(psql -qtAc "SELECT FROM {{ with $values.config.postgresql_table_schema }}{{ . }}.{{ end }}{{ with $values.config.postgresql_table_names_prefix }}{{ . }}_{{ end }}gatehouse_schema_migrations" 2>&1); do echo "waiting: $error"; sleep 1; done
    env:
      - {name: PGHOST, value: {{ include "gatehouse.db.host" $root }}}
      - {name: PGDATABASE, value: {{ $values.database.name | quote }}}
      - {name: PGUSER, value: gatehouse_{{ $role }}}
      - {name: PGCONNECT_TIMEOUT, value: "3"}
      {{- if eq $values.database.kind "cloudnativepg" }}
      - {name: PGSSLMODE, value: verify-full}
      - {name: PGSSLROOTCERT, value: /run/secrets/gatehouse/database-ca/ca.crt}
      {{- end }}
    securityContext:
      {{- include "gatehouse.containerSecurity" . | nindent 6 }}
    resources:
      requests: {cpu: 10m, memory: 16Mi}
      limits: {memory: 64Mi}
    volumeMounts:
      - {name: database, mountPath: /run/secrets/gatehouse/database, readOnly: true}
      {{- with include "gatehouse.db.caMount" $root | trim }}{{ . | nindent 6 }}{{ end }}
{{- end }}
{{- end }}
