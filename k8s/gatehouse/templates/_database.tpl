{{- define "gatehouse.db.host" -}}
{{- if eq .Values.database.kind "external" }}{{ .Values.database.host }}
{{- else if eq .Values.database.kind "cloudnativepg" }}{{ include "gatehouse.fullname" . }}-db-rw
{{- else }}{{ include "gatehouse.fullname" . }}-postgresql
{{- end }}
{{- end }}

{{- define "gatehouse.db.port" -}}
{{- ternary .Values.database.port 5432 (eq .Values.database.kind "external") -}}
{{- end }}

{{- define "gatehouse.db.user" -}}
{{- .Values.database.user | default .Values.database.owner.user -}}
{{- end }}

{{/* Connection attributes: TLS towards the database. */}}
{{- define "gatehouse.db.attributes" -}}
{{- $ca := "/run/secrets/gatehouse/database-ca/ca.crt" -}}
{{- if eq .Values.database.kind "cloudnativepg" -}}
sslmode=verify-full&sslrootcert={{ $ca }}
{{- else if eq .Values.database.kind "external" -}}
{{- with .Values.database.tls.sslMode }}sslmode={{ . }}{{ end -}}
{{- if .Values.database.tls.caSecret }}{{ if .Values.database.tls.sslMode }}&{{ end }}sslrootcert={{ $ca }}{{ end -}}
{{- end -}}
{{- end }}

{{/* Secret and key of the owner's password. */}}
{{- define "gatehouse.db.ownerSecret" -}}
{{- if eq .Values.database.kind "cloudnativepg" }}{{ include "gatehouse.fullname" . }}-db-app
{{- else }}{{ .Values.database.owner.existingSecret | default (printf "%s-database" (include "gatehouse.fullname" .)) }}
{{- end }}
{{- end }}
{{- define "gatehouse.db.ownerKey" -}}
{{- if eq .Values.database.kind "cloudnativepg" }}password
{{- else if .Values.database.owner.existingSecret }}{{ .Values.database.owner.passwordKey }}
{{- else }}owner
{{- end }}
{{- end }}
{{- define "gatehouse.db.rolesSecret" -}}
{{- .Values.database.serviceRoles.existingSecret | default (printf "%s-database" (include "gatehouse.fullname" .)) -}}
{{- end }}

{{/* "true" when the database is there before the release is, so that the Job can run before it. */}}
{{- define "gatehouse.db.isThere" -}}
{{- if or (eq .Values.database.kind "external") .Release.IsUpgrade }}true{{ end -}}
{{- end }}

{{/* Where the database is: environment variables. */}}
{{- define "gatehouse.db.where" -}}
{{- if and (not .Values.database.uri) (not .Values.existingSecret) (ne .Values.database.kind "embedded") }}
- {name: POSTGRESQL_HOST, value: {{ include "gatehouse.db.host" . | quote }}}
- {name: POSTGRESQL_PORT, value: {{ include "gatehouse.db.port" . | quote }}}
- {name: POSTGRESQL_DATABASE_NAME, value: {{ .Values.database.name | quote }}}
{{- with include "gatehouse.db.attributes" . }}
- {name: POSTGRESQL_CONNECTION_ATTRIBUTES, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{/* The owner's credentials: environment variables. */}}
{{- define "gatehouse.db.owner" -}}
{{- if .Values.database.uri }}
- {name: POSTGRESQL_CONNECTION_URI_FILE, value: /run/secrets/gatehouse/database/uri}
{{- else if not (or .Values.existingSecret (eq .Values.database.kind "embedded")) }}
- {name: POSTGRESQL_USER, value: {{ include "gatehouse.db.user" . | quote }}}
- {name: POSTGRESQL_PASSWORD_FILE, value: /run/secrets/gatehouse/database/owner}
{{- end }}
{{- end }}

{{/* Roles of services: [names of services]. */}}
{{- define "gatehouse.db.roles" -}}
{{- range . }}
- {name: GATEHOUSE_{{ upper . }}_DATABASE_USER, value: gatehouse_{{ . }}}
- {name: GATEHOUSE_{{ upper . }}_DATABASE_PASSWORD_FILE, value: /run/secrets/gatehouse/database/{{ . }}}
{{- end }}
{{- end }}

{{/* The passwords of a volume: [root, names of services whose roles' they are, whether the owner's too, name of a Secret instead of the chart's own]. */}}
{{- define "gatehouse.db.sources" -}}
{{- $root := index . 0 -}}
{{- $services := index . 1 -}}
{{- $own := printf "%s-database" (include "gatehouse.fullname" $root) -}}
{{- $instead := index . 3 -}}
{{- if index . 2 }}
{{- $owner := include "gatehouse.db.ownerSecret" $root }}
- secret:
    name: {{ ternary $instead $owner (and (ne $instead "") (eq $owner $own)) }}
    items: [{key: {{ ternary "uri" (include "gatehouse.db.ownerKey" $root) (ne $root.Values.database.uri "") }}, path: {{ ternary "uri" "owner" (ne $root.Values.database.uri "") }}}]
{{- end }}
{{- if $services }}
{{- $roles := include "gatehouse.db.rolesSecret" $root }}
- secret:
    name: {{ ternary $instead $roles (and (ne $instead "") (eq $roles $own)) }}
    items:
      {{- range $services }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
{{- end }}

{{/* The server's authority: a volume. */}}
{{- define "gatehouse.db.caVolume" -}}
{{- if eq .Values.database.kind "cloudnativepg" }}
- name: database-ca
  secret: {secretName: {{ include "gatehouse.fullname" . }}-db-ca, defaultMode: 0440, items: [{key: ca.crt, path: ca.crt}]}
{{- else if and (eq .Values.database.kind "external") .Values.database.tls.caSecret }}
- name: database-ca
  secret: {secretName: {{ .Values.database.tls.caSecret }}, defaultMode: 0440, items: [{key: {{ .Values.database.tls.caKey }}, path: ca.crt}]}
{{- end }}
{{- end }}
{{- define "gatehouse.db.caMount" -}}
{{- if include "gatehouse.db.caVolume" . }}
- {name: database-ca, mountPath: /run/secrets/gatehouse/database-ca, readOnly: true}
{{- end }}
{{- end }}

{{/* Passwords that the chart keeps, as base64: those of the Secret that is there, or new ones. Made once in a rendering, since the Job has a copy. */}}
{{- define "gatehouse.db.passwords" -}}
{{- if not (hasKey .Values "madePasswords") -}}
{{- $name := printf "%s-database" (include "gatehouse.fullname" .) -}}
{{- $there := (lookup "v1" "Secret" .Release.Namespace $name).data | default dict -}}
{{- $all := dict -}}
{{- if .Values.database.uri -}}
{{- $_ := set $all "uri" (.Values.database.uri | b64enc) -}}
{{- else if and (ne .Values.database.kind "cloudnativepg") (ne .Values.database.kind "embedded") (not .Values.database.owner.existingSecret) (not .Values.existingSecret) -}}
{{- $given := .Values.database.password | default .Values.database.owner.password -}}
{{- if $given -}}
{{- $_ := set $all "owner" ($given | b64enc) -}}
{{- else if eq .Values.database.kind "trial" -}}
{{- $_ := set $all "owner" (index $there "owner" | default (randAlphaNum 40 | b64enc)) -}}
{{- else -}}
{{- fail "database.owner.existingSecret (or database.owner.password): the owner's password is needed" -}}
{{- end -}}
{{- end -}}
{{- if and (include "gatehouse.serviceRoles" .) (not .Values.database.serviceRoles.existingSecret) -}}
{{- range $service, $_ := (include "gatehouse.table" . | fromYaml).services -}}
{{- $_ := set $all $service (index $there $service | default (randAlphaNum 40 | b64enc)) -}}
{{- end -}}
{{- end -}}
{{- $_ := set .Values "madePasswords" $all -}}
{{- end -}}
{{- toYaml .Values.madePasswords -}}
{{- end }}
