{{- define "chart.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chart.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{ include "chart.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/*
A service account and the workload that runs under it.
root: the chart's context; kind: Deployment or DaemonSet; name, image;
labels: what tells this workload from the chart's others; serviceAccount: its name;
tolerations: of the pods, may be left out.
*/}}
{{- define "chart.workload" -}}
{{- $labels := merge (dict) .labels (include "chart.selectorLabels" .root | fromYaml) -}}
apiVersion: apps/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- merge (dict) $labels (include "chart.labels" .root | fromYaml) | toYaml | nindent 4 }}
spec:
  {{- if eq .kind "Deployment" }}
  replicas: 1
  {{- end }}
  selector:
    matchLabels:
      {{- toYaml $labels | nindent 6 }}
  template:
    metadata:
      labels:
        {{- toYaml $labels | nindent 8 }}
    spec:
      serviceAccountName: {{ .serviceAccount }}
      containers:
        - name: {{ .container }}
          image: {{ .image }}
      {{- with .tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
---
{{- end }}

{{- define "chart.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "chart.labels" .root | nindent 4 }}
---
{{- end }}
