"""Prometheus, Alertmanager, Grafana and OpenTelemetry, on their own and inside of manifests."""
