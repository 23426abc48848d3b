{{/* One Deployment of a tier: both are made here, so that they differ only where they must. */}}

{{/*
The grace period: preStop, then the drain, then its margin in which queues and NATS are flushed, after which the process ends by itself, then ten
seconds in hand. With the default margin of ten seconds that is preStop + drain + 20.
*/}}
{{- define "sluice.graceSeconds" -}}
{{- $values := .root.Values -}}
{{- $marginMs := ternary (dig "drain" "marginMs" 10000 $values.config) (dig "router" "drainMarginMs" 10000 $values.config) (eq .tier "gateway") -}}
{{- $preStop := ternary $values.gateway.preStopSeconds 0 (eq .tier "gateway") -}}
{{- add $preStop (index $values .tier).drainSeconds (ceil (divf $marginMs 1000)) 10 -}}
{{- end -}}

{{/*
A number of pods that helm has set and no longer sets falls back to one, onto which the clients of all would move before the autoscaler has looked.
So a release that would do that to a running Deployment is refused. Who scales by hand takes the number over from helm, and it stays.
*/}}
{{- define "sluice.checkHandover" -}}
{{- $name := include "sluice.tierName" . -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace $name -}}
{{- $replicas := dig "spec" "replicas" 0 $live | int -}}
{{- range dig "metadata" "managedFields" list $live -}}
{{- if and (eq .manager "helm") (eq .operation "Apply") (hasKey (dig "fieldsV1" "f:spec" dict .) "f:replicas") (gt $replicas 1) -}}
{{- fail (printf "autoscaling would begin with one pod in place of %d: take the number over first with `kubectl -n %s scale deployment/%s --replicas=%d`" $replicas $.root.Release.Namespace $name (add $replicas 1)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sluice.deployment" -}}
{{- $tier := index .root.Values .tier -}}
{{- $grace := include "sluice.graceSeconds" . | int -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "sluice.tierName" . }}
  labels:
    {{- include "sluice.labels" . | nindent 4 }}
spec:
  {{- if $tier.autoscaling.enabled }}
  {{- include "sluice.checkHandover" . }}
  {{- else }}
  replicas: {{ $tier.replicaCount }}
  {{- end }}
  # A pod that ends may take the whole grace period; that is no failed rollout.
  progressDeadlineSeconds: {{ add $grace 600 }}
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "sluice.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: {{ $tier.strategy.maxSurge }}
      maxUnavailable: {{ $tier.strategy.maxUnavailable }}
  template:
    metadata:
      labels:
        {{- include "sluice.podLabels" . | nindent 8 }}
        {{- with $tier.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $tier.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "sluice.podSpec" (dict "root" .root "tier" .tier "grace" $grace) | nindent 6 }}
{{- end -}}

{{- define "sluice.podSpec" -}}
{{- $tier := index .root.Values .tier -}}
serviceAccountName: {{ include "sluice.serviceAccountName" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $tier.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ .grace }}
securityContext:
  {{- include "sluice.podSecurity" .root | nindent 2 }}
containers:
  - name: {{ .tier }}
    {{- include "sluice.container" . | nindent 4 }}
volumes:
  {{- include "sluice.volumes" . | nindent 2 }}
{{- with $tier.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $tier.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $tier.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- include "sluice.spread" . | trim | nindent 2 }}
{{- end -}}

{{- define "sluice.podSecurity" -}}
runAsNonRoot: true
# The image's user `node`.
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "sluice.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "sluice.container" -}}
{{- $tier := index .root.Values .tier -}}
{{- $ports := include "sluice.ports" . | fromYaml -}}
image: {{ include "sluice.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [node, {{ .tier }}/src/main.ts]
env:
  {{- include "sluice.env" . | nindent 2 }}
ports:
  {{- if eq .tier "gateway" }}
  - name: http
    containerPort: {{ $ports.http }}
  {{- end }}
  - name: admin
    containerPort: {{ index $ports .tier }}
# Never depends on NATS; slow to act, as a restart costs every socket of the pod.
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- if and (eq .tier "gateway") (gt (int .root.Values.gateway.preStopSeconds) 0) }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ .root.Values.gateway.preStopSeconds }}
{{- end }}
resources:
  {{- toYaml $tier.resources | nindent 2 }}
securityContext:
  {{- include "sluice.containerSecurity" . | nindent 2 }}
volumeMounts:
  {{- $at := include "sluice.mounts" .root | fromYaml }}
  {{- range include "sluice.volumes" . | fromYamlArray }}
  - {name: {{ .name }}, mountPath: {{ index $at .name }}, readOnly: true}
  {{- end }}
{{- end -}}

{{/* Whole folders are mounted, never single files: those would not follow a change. */}}
{{- define "sluice.volumes" -}}
{{- $values := .root.Values -}}
- name: config
  configMap:
    name: {{ include "sluice.fullname" .root }}
{{- with $values.nats.existingSecret }}
- name: credentials
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - {key: {{ (index $values.nats.auth $.tier).key | quote }}, path: credentials}
{{- end }}
{{- with $values.nats.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if and (eq .tier "gateway") $values.gateway.tls.existingSecret }}
- name: public-tls
  secret:
    secretName: {{ $values.gateway.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if and (eq .tier "gateway") (eq (include "sluice.tokens" .root) "secret") }}
- name: token
  secret:
    secretName: {{ include "sluice.tokenSecret" .root }}
    defaultMode: 0440
    items:
      - {key: secret, path: secret}
      {{- if $values.auth.previousSecret }}
      - {key: previous, path: previous}
      {{- end }}
{{- end }}
{{- end -}}

{{- define "sluice.spread" -}}
{{- $tier := index .root.Values .tier -}}
{{- if $tier.topologySpreadConstraints }}
{{- toYaml $tier.topologySpreadConstraints }}
{{- else }}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "sluice.selector" $ | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}
