// The dashboards and rules of mailtrip as a mixin. Nothing is written here twice: all of it is in ../dashboards.
{
  _config+:: {
    // Where your people read docs/alerts.md. Each alert's runbook_url is this and #name-of-the-alert.
    runbookURL: 'https://mailtrip.example.org/docs/alerts.md',
    // The configuration of mailtrip that the texts of alerts name.
    configFile: '/etc/mailtrip/mailtrip.yml',
    // Labels that every alert gets, such as {team: 'mail'}.
    alertLabels: {},
    // Labels that an alert gets by its severity in dashboards/rules, such as {critical: {severity: 'page'}}.
    severityLabels: {},
    dashboardTags: ['mailtrip'],
    // Which part of all messages has to arrive in time, such as 0.99; null: as in dashboards/rules.
    deliveryObjective: null,
  },

  local config = self._config,

  local critical = std.get(std.get(config.severityLabels, 'critical', {}), 'severity', 'critical'),

  // Some alerts select others that are firing, by their severity.
  local selecting = function(text)
    std.strReplace(
      std.strReplace(text, 'severity="critical"', 'severity="%s"' % critical),
      "severity='critical'",
      "severity='%s'" % critical
    ),

  local ours = function(text)
    std.strReplace(
      std.strReplace(
        selecting(text), 'https://mailtrip.example.org/docs/alerts.md', config.runbookURL
      ),
      '/etc/mailtrip/mailtrip.yml',
      config.configFile
    ),

  local configured = function(rule) rule {
    expr: selecting(rule.expr),
    annotations: { [name]: ours(rule.annotations[name]) for name in std.objectFields(rule.annotations) },
    labels+: std.get(config.severityLabels, std.get(rule.labels, 'severity', ''), {}) + config.alertLabels,
  },

  local tagged = function(dashboard) dashboard { tags: config.dashboardTags },

  grafanaDashboards+:: {
    'mail-overview.json': tagged(import '../dashboards/mail-overview.json'),
    'one-probe.json': tagged(import '../dashboards/one-probe.json'),
    'matrix.json': tagged(import '../dashboards/matrix.json'),
    'blocklists.json': tagged(import '../dashboards/blocklists.json'),
    'exporter.json': tagged(import '../dashboards/exporter.json'),
  },

  // Made from dashboards/rules by python -m dashboards, since not every jsonnet reads all of YAML.
  local groups = import 'rules.json',

  prometheusAlerts+:: {
    groups+: [group { rules: std.map(configured, group.rules) } for group in groups['mailtrip.alerts.yml']],
  },

  local aimed = function(rule)
    if config.deliveryObjective != null && rule.record == 'all:mailtrip_delivery_objective:ratio'
    then rule { expr: 'vector(%g)' % config.deliveryObjective }
    else rule,

  prometheusRules+:: {
    groups+: [group { rules: std.map(aimed, group.rules) } for group in groups['mailtrip.recording.yml']],
  },
}
