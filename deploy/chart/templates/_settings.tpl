{{/*
What the processes are told. Settings that apply at once are in the file, which both tiers watch; all others are variables of the pods, so that
a change of them is a rollout and no process ever sees a file that it must refuse.
*/}}

{{- define "sluice.mounts" -}}
credentials: /etc/sluice/nats
tls: /etc/sluice/nats-tls
public-tls: /etc/sluice/tls
token: /etc/sluice/token
config: /etc/sluice/config
{{- end -}}

{{- define "sluice.natsUrl" -}}
{{- if .Values.nats.embedded.enabled -}}
{{- if .Values.nats.url }}{{ fail "set nats.url or nats.embedded.enabled, not both" }}{{ end -}}
{{- printf "nats://%s-nats:4222" (include "sluice.fullname" .) -}}
{{- else -}}
{{- required "set nats.url to the servers of your NATS, or try things out with nats.embedded.enabled=true" .Values.nats.url -}}
{{- end -}}
{{- end -}}

{{/* What says whose tokens are believed: jwks, secret or none. */}}
{{- define "sluice.tokens" -}}
{{- if .Values.auth.jwksUrl -}}
{{- if or .Values.auth.existingSecret .Values.auth.previousSecret }}{{ fail "set auth.jwksUrl or a Secret (auth.existingSecret, auth.previousSecret), not both" }}{{ end -}}
jwks
{{- else if and .Values.auth.anonymous (not .Values.auth.existingSecret) -}}
{{- if .Values.auth.previousSecret }}{{ fail "auth.previousSecret needs auth.existingSecret where auth.anonymous is set" }}{{ end -}}
none
{{- else -}}
secret
{{- end -}}
{{- end -}}

{{- define "sluice.tokenSecret" -}}
{{- default (printf "%s-jwt" .Release.Name) .Values.auth.existingSecret -}}
{{- end -}}

{{/* The file of both tiers. */}}
{{- define "sluice.file" -}}
{{- $file := dict "log" .Values.log -}}
{{- with .Values.namespaces }}{{ $_ := set $file "namespaces" . }}{{ end -}}
{{- with .Values.inbox }}{{ $_ := set $file "inbox" . }}{{ end -}}
{{- $file | toPrettyJson -}}
{{- end -}}

{{/* Adds `config` to a dict of path and text. Takes (dict "path" "" "value" … "into" …). */}}
{{- define "sluice.flatten" -}}
{{- $into := .into -}}
{{- if eq .path "auth.grants" -}}
{{- $_ := set $into .path (toJson .value) -}}
{{- else if kindIs "map" .value -}}
{{- $path := .path -}}
{{- range $key, $value := .value -}}
{{- include "sluice.flatten" (dict "path" (ternary $key (printf "%s.%s" $path $key) (eq $path "")) "value" $value "into" $into) -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- $_ := set $into .path (join "," .value) -}}
{{- else if kindIs "string" .value -}}
{{- $_ := set $into .path .value -}}
{{- else if not (kindIs "invalid" .value) -}}
{{- $_ := set $into .path (toJson .value) -}}
{{- end -}}
{{- end -}}

{{/* Every setting of one tier that is a variable, as JSON: path and text. A tier is given what it reads and nothing else, so that a change does not restart the other. */}}
{{- define "sluice.settings" -}}
{{- $values := .root.Values -}}
{{- $at := include "sluice.mounts" .root | fromYaml -}}
{{- $all := dict -}}
{{- $_ := include "sluice.flatten" (dict "path" "" "value" $values.config "into" $all) -}}
{{- $settings := dict -}}
{{- $shared := list "accept.userConnectionsMax" "accept.userConnectionsClose" "limits.payloadBytesMax" -}}
{{- range $path, $text := $all -}}
{{- $isRouters := hasPrefix "router." $path -}}
{{- if ternary (not $isRouters) (or $isRouters (has $path $shared)) (eq $.tier "gateway") }}{{ $_ := set $settings $path $text }}{{ end -}}
{{- end -}}
{{- $_ := set $settings "nats.url" (include "sluice.natsUrl" .root) -}}
{{- $_ := set $settings "nats.prefix" $values.nats.prefix -}}
{{- with $values.nats.existingSecret -}}
{{- $type := $values.nats.auth.type -}}
{{- $_ := set $settings (printf "nats.%sFile" $type) (printf "%s/credentials" $at.credentials) -}}
{{- if eq $type "password" }}{{ $_ := set $settings "nats.user" (index $values.nats.auth $.tier).user }}{{ end -}}
{{- end -}}
{{- if $values.nats.tls.existingSecret -}}
{{- range $setting, $key := dict "caFile" $values.nats.tls.caKey "certFile" $values.nats.tls.certKey "keyFile" $values.nats.tls.keyKey -}}
{{- if $key }}{{ $_ := set $settings (printf "nats.tls.%s" $setting) (printf "%s/%s" $at.tls $key) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if eq .tier "gateway" }}{{ include "sluice.gatewaySettings" (dict "root" .root "into" $settings "at" $at) }}{{ else }}{{ include "sluice.routerSettings" (dict "root" .root "into" $settings) }}{{ end -}}
{{- toJson $settings -}}
{{- end -}}

{{- define "sluice.gatewaySettings" -}}
{{- $gateway := .root.Values.gateway -}}
{{- $auth := .root.Values.auth -}}
{{- $tokens := include "sluice.tokens" .root -}}
{{- $_ := set .into "listen.port" (include "sluice.ports" . | fromYaml).http -}}
{{- $_ := set .into "admin.port" (include "sluice.ports" . | fromYaml).gateway -}}
{{- $_ := set .into "listen.path" $gateway.path -}}
{{- $_ := set .into "accept.origins" (join "," $gateway.origins) -}}
{{- $_ := set .into "accept.trustedProxies" (join "," $gateway.trustedProxies) -}}
{{- if $gateway.tls.existingSecret -}}
{{- $_ := set .into "listen.tls.certFile" (printf "%s/%s" (index .at "public-tls") $gateway.tls.certKey) -}}
{{- $_ := set .into "listen.tls.keyFile" (printf "%s/%s" (index .at "public-tls") $gateway.tls.keyKey) -}}
{{- end -}}
{{- $_ := set .into "drain.windowMs" (mul $gateway.drainSeconds 1000) -}}
{{- $_ := set .into "auth.issuer" $auth.issuer -}}
{{- $_ := set .into "auth.audience" (join "," $auth.audience) -}}
{{- $_ := set .into "auth.anonymous" (toString $auth.anonymous) -}}
{{- if eq $tokens "jwks" }}{{ $_ := set .into "auth.jwksUrl" $auth.jwksUrl }}{{ end -}}
{{- if eq $tokens "secret" }}{{ $_ := set .into "auth.secretFile" (printf "%s/secret" .at.token) }}{{ end -}}
{{- if $auth.previousSecret }}{{ $_ := set .into "auth.secretPreviousFile" (printf "%s/previous" .at.token) }}{{ end -}}
{{- end -}}

{{- define "sluice.routerSettings" -}}
{{- $_ := set .into "router.replicas" (ternary 1 (int .root.Values.nats.replicas) .root.Values.nats.embedded.enabled) -}}
{{- $_ := set .into "router.admin.port" (include "sluice.ports" . | fromYaml).router -}}
{{- $_ := set .into "router.drainMs" (mul .root.Values.router.drainSeconds 1000) -}}
{{- end -}}

{{/* Ports of containers: the public one, and the admin port of each tier. */}}
{{- define "sluice.ports" -}}
http: 8080
gateway: 9080
router: 9090
{{- end -}}

{{/* The name of a setting's variable: limits.roomsMax is SLUICE_LIMITS_ROOMS_MAX. */}}
{{- define "sluice.variable" -}}
{{- printf "SLUICE_%s" (regexReplaceAll "([a-z0-9])([A-Z])" (replace "." "_" .) "${1}_${2}" | upper) -}}
{{- end -}}

{{/* Variables of a container. */}}
{{- define "sluice.env" -}}
{{- $tier := index .root.Values .tier -}}
{{- $at := include "sluice.mounts" .root | fromYaml -}}
- name: SLUICE_CONFIG
  value: {{ printf "%s/sluice.json" $at.config }}
{{- range $path, $text := include "sluice.settings" . | fromJson }}
{{- if ne (toString $text) "" }}
- name: {{ include "sluice.variable" $path }}
  value: {{ ternary $text (toJson $text) (kindIs "string" $text) | quote }}
{{- end }}
{{- end }}
{{- if dig "limits" "memory" "" $tier.resources }}
- name: NODE_OPTIONS
  value: {{ printf "--max-old-space-size-percentage=%v" $tier.heapPercent }}
{{- end }}
{{- with $tier.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
