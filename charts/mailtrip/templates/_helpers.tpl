{{- /* Names. */}}
{{- define "mailtrip.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The StatefulSet's name gets a number for each pod, and a hash as a label: 52 characters are left. */}}
{{- define "mailtrip.fullname" -}}
{{- $name := include "mailtrip.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $full | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "mailtrip.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "mailtrip.fullname" .) "" .Values.serviceAccount.create) }}
{{- end }}

{{- define "mailtrip.configMapName" -}}
{{- .Values.existingConfigMap | default (include "mailtrip.fullname" .) }}
{{- end }}

{{- /* Empty if there are no passwords. */}}
{{- define "mailtrip.secretName" -}}
{{- if .Values.existingSecret }}
{{- .Values.existingSecret }}
{{- else if .Values.secrets }}
{{- include "mailtrip.fullname" . }}-passwords
{{- end }}
{{- end }}

{{- /* Of the web configuration file; empty if there is none. */}}
{{- define "mailtrip.webSecretName" -}}
{{- if .Values.web.existingSecret }}
{{- .Values.web.existingSecret }}
{{- else if or .Values.web.config .Values.web.tlsSecret }}
{{- include "mailtrip.fullname" . }}-web
{{- end }}
{{- end }}

{{- define "mailtrip.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- .repository }}@{{ .digest }}
{{- else }}
{{- .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The address of the first replica, which Prometheus and the tests use. */}}
{{- define "mailtrip.address" -}}
{{- $name := include "mailtrip.fullname" . }}
{{- $name }}-0.{{ $name }}.{{ .Release.Namespace }}.svc:10925
{{- end }}

{{- /* What pods are selected by: it can never change. */}}
{{- define "mailtrip.selector" -}}
app.kubernetes.io/name: {{ include "mailtrip.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Of the pods of `helm test`, which must not be taken for replicas. */}}
{{- define "mailtrip.testSelector" -}}
app.kubernetes.io/name: {{ include "mailtrip.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mailtrip.labels" -}}
{{ include "mailtrip.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* Of an object: (dict "root" $ "suffix" TEXT "namespace" TEXT "labels" MAPPING "annotations" MAPPING). */}}
{{- define "mailtrip.metadata" -}}
{{- $labels := mergeOverwrite dict .root.Values.commonLabels (.labels | default dict) }}
{{- $annotations := mergeOverwrite dict .root.Values.commonAnnotations (.annotations | default dict) -}}
metadata:
  name: {{ .name | default (printf "%s%s" (include "mailtrip.fullname" .root) (.suffix | default "")) }}
  namespace: {{ .namespace | default .root.Release.Namespace }}
  labels:
    {{- include "mailtrip.labels" .root | nindent 4 }}
    {{- range $name, $value := $labels }}
    {{ $name }}: {{ $value | quote }}
    {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* HTTP: whether it is HTTPS, whether the kubelet can ask without a certificate or a login, and what all paths begin with. */}}
{{- define "mailtrip.https" -}}
{{- if or .Values.web.tlsSecret .Values.web.config.tls_server_config }}true{{ end }}
{{- end }}

{{- define "mailtrip.closed" -}}
{{- $tls := .Values.web.config.tls_server_config | default dict }}
{{- if or .Values.web.config.basic_auth_users (eq ($tls.client_auth_type | default "") "RequireAndVerifyClientCert") }}true{{ end }}
{{- end }}

{{- define "mailtrip.prefix" -}}
{{- $path := (urlParse .Values.web.externalUrl).path }}
{{- .Values.web.routePrefix | default $path | trimSuffix "/" }}
{{- end }}

{{- /* A probe of the kubelet: (dict "root" $ "path" PATH "probe" MAPPING). */}}
{{- define "mailtrip.probe" -}}
{{- if not (pick .probe "httpGet" "tcpSocket" "exec" "grpc") -}}
{{- if include "mailtrip.closed" .root -}}
tcpSocket: {port: http}
{{- else -}}
httpGet: {path: {{ include "mailtrip.prefix" .root }}{{ .path }}, port: http{{ if include "mailtrip.https" .root }}, scheme: HTTPS{{ end }}}
{{- end }}
{{- end }}
{{- with .probe }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* How Prometheus proves who it is. */}}
{{- define "mailtrip.credentials" -}}
{{- $credentials := dict }}
{{- range $name, $given := pick .Values.scrape "tlsConfig" "basicAuth" "authorization" }}
{{- if $given }}
{{- $_ := set $credentials $name $given }}
{{- end }}
{{- end }}
{{- with $credentials }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- /* Which replica a target belongs to. */}}
{{- define "mailtrip.division" -}}
{{- $name := include "mailtrip.fullname" . -}}
# Which replica a target belongs to: the modulus is the number of replicas of the StatefulSet. docs/scaling.md
- {sourceLabels: [__param_target], modulus: {{ max .Values.replicas 1 }}, targetLabel: __tmp_replica, action: hashmod}
- {sourceLabels: [__tmp_replica], targetLabel: __address__, replacement: "{{ $name }}-$1.{{ $name }}.{{ .Release.Namespace }}.svc:10925"}
- {sourceLabels: [__tmp_replica], targetLabel: exporter, replacement: {{ $name }}-$1}
{{- end }}

{{- define "mailtrip.refusePassword" -}}
{{- fail (printf "%s: everyone who may read ConfigMaps could read this secret; put it into `secrets`, and name its file here: {file: /run/secrets/mailtrip/NAME}" .) }}
{{- end }}

{{- /* Fails if a password is written in the configuration, which becomes a ConfigMap: (dict "value" VALUE "path" TEXT). */}}
{{- define "mailtrip.refusePasswords" -}}
{{- $path := .path }}
{{- if kindIs "map" .value }}
{{- range $name, $inner := .value }}
{{- $here := printf "%s.%s" $path $name }}
{{- if eq $name "headers" }}
{{- /* Those of a message are texts; those of requests with traces hold keys. */}}
{{- if and (hasSuffix ".tracing" $path) (kindIs "map" $inner) }}
{{- range $header, $text := $inner }}
{{- if kindIs "string" $text }}
{{- include "mailtrip.refusePassword" (printf "%s.%s" $here $header) }}
{{- end }}
{{- end }}
{{- end }}
{{- else if kindIs "string" $inner }}
{{- $secret := has $name (list "client_secret" "key" "key_password" "password" "refresh_token" "service_account" "token" "token_key") }}
{{- if or $secret (and (eq $name "proxy") (contains "@" $inner)) }}
{{- include "mailtrip.refusePassword" $here }}
{{- end }}
{{- else }}
{{- include "mailtrip.refusePasswords" (dict "value" $inner "path" $here) }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" .value }}
{{- range $number, $inner := .value }}
{{- include "mailtrip.refusePasswords" (dict "value" $inner "path" (printf "%s[%d]" $path $number)) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What a schema cannot say of values that do not fit together. */}}
{{- define "mailtrip.check" -}}
{{- $labels := include "mailtrip.labels" . | fromYaml }}
{{- range $place, $given := pick .Values "commonLabels" "podLabels" }}
{{- range $name, $value := $given }}
{{- if hasKey $labels $name }}
{{- fail (printf "%s: the chart itself sets the label %s" $place $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values }}
{{- if gt (len (compact (list .configText .existingConfigMap (ternary "config" "" (not (empty .config)))))) 1 }}
{{- fail "set only one of config, configText and existingConfigMap" }}
{{- end }}
{{- if and .existingSecret .secrets }}
{{- fail "set only one of secrets and existingSecret" }}
{{- end }}
{{- if and .web.existingSecret .web.config }}
{{- fail "set only one of web.config and web.existingSecret" }}
{{- end }}
{{- $config := .config }}
{{- if .configText }}
{{- $config = fromYaml .configText }}
{{- if hasKey $config "Error" }}
{{- fail (printf "configText is not YAML: %s" $config.Error) }}
{{- end }}
{{- end }}
{{- include "mailtrip.refusePasswords" (dict "value" $config "path" (ternary "configText" "config" (not (empty .configText)))) }}
{{- if and .ingress.enabled (not (or .ingress.host .web.externalUrl)) }}
{{- fail "set ingress.host or web.externalUrl" }}
{{- end }}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) }}
{{- fail "set httpRoute.parentRefs" }}
{{- end }}
{{- range $name, $probe := .probes }}
{{- if not $probe.targets }}
{{- fail (printf "set probes.%s.targets" $name) }}
{{- end }}
{{- end }}
{{- if gt (int .replicas) 1 }}
{{- if $config.probes }}
{{- fail "config.probes needs one replica, since every replica would make the trips of all of them: use `probes` of the chart" }}
{{- end }}
{{- if or .ingress.enabled .httpRoute.enabled }}
{{- fail "ingress and httpRoute need one replica, since each replica has its own pages" }}
{{- end }}
{{- if .persistence.existingClaim }}
{{- fail "persistence.existingClaim needs one replica, since each replica has its own state" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
