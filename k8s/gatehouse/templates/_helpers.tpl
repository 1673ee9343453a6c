{{- define "gatehouse.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels that never change: [root, component]. */}}
{{- define "gatehouse.selector" -}}
app.kubernetes.io/name: {{ default (index . 0).Chart.Name (index . 0).Values.nameOverride }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* [root, component] */}}
{{- define "gatehouse.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{ include "gatehouse.selector" . }}
app.kubernetes.io/part-of: gatehouse
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The table of services: name, calledBy, clients, grpc. */}}
{{- define "gatehouse.table" -}}
{{- .Files.Get "files/services.yaml" -}}
{{- end }}

{{/* What runs: a map from the name of each Deployment. */}}
{{- define "gatehouse.components" -}}
{{- if eq .Values.mode "all-in-one" -}}
gatehouse: {}
{{- else -}}
{{- range $name, $_ := (include "gatehouse.table" . | fromYaml).services }}
{{ $name }}: {}
{{- end }}
gateway: {}
{{- end -}}
{{- end }}

{{/* Name of the component that has the REST interface. */}}
{{- define "gatehouse.front" -}}
{{- ternary "gatehouse" "gateway" (eq .Values.mode "all-in-one") -}}
{{- end }}

{{/* A Deployment's settings: [root, component]. */}}
{{- define "gatehouse.workload" -}}
{{- $root := index . 0 -}}
{{- mergeOverwrite (deepCopy $root.Values.workload) (deepCopy (index $root.Values.services (index . 1) | default dict)) | toYaml -}}
{{- end }}

{{/* Image of a component: [root, component, its digest]. */}}
{{- define "gatehouse.image" -}}
{{- $root := index . 0 -}}
{{- $image := $root.Values.image -}}
{{- $suffix := ternary "" (printf "-%s" (index . 1)) (eq (index . 1) "gatehouse") -}}
{{- $digest := ternary $image.digest (index . 2) (eq (index . 1) "gatehouse") -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{- $image.repository }}{{ $suffix -}}
{{- if $digest }}@{{ $digest }}{{ else }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end -}}
{{- end }}

{{- define "gatehouse.program" -}}
/usr/bin/{{ ternary "gatehouse" (printf "gatehouse-%s" .) (eq . "gatehouse") }}
{{- end }}

{{- define "gatehouse.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "gatehouse.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "gatehouse.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{/* The restricted Pod Security Standard: [root, the image's user]. */}}
{{- define "gatehouse.podSecurity" -}}
runAsNonRoot: true
{{- if (index . 0).Values.podUser }}
runAsUser: {{ index . 1 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "gatehouse.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* host:port to listen on. */}}
{{- define "gatehouse.listen" -}}
{{- $host := index . 0 -}}
{{- ternary (printf "[%s]" $host) $host (contains ":" $host) }}:{{ index . 1 -}}
{{- end }}

{{- define "gatehouse.gracePeriod" -}}
{{- add (div (add .Values.shutdown.delayMs .Values.shutdown.drainTimeoutMs 999) 1000) .Values.shutdown.marginSeconds -}}
{{- end }}

{{/* "true" when services have roles of their own. */}}
{{- define "gatehouse.serviceRoles" -}}
{{- $mode := .Values.database.serviceRoles.mode -}}
{{- if and (ne .Values.database.kind "embedded") (or (eq $mode "always") (and (eq $mode "auto") (eq .Values.mode "split"))) }}true{{ end -}}
{{- end }}

{{/* "true" when processes speak TLS with each other. */}}
{{- define "gatehouse.split" -}}
{{- if eq .Values.mode "split" }}true{{ end -}}
{{- end }}
