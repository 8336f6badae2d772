/** Objects of the three operators' kinds, and what `kubectl create` says of each before a real API server (v1.35.4). */
export const refusals: readonly { readonly name: string; readonly object: object; readonly answer: string }[] = [
  {
    name: 'a PrometheusRule',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: {
        name: 'x',
      },
      spec: {
        groups: [
          {
            name: 'g',
            rules: [
              {
                record: 'r',
                expr: 'up',
              },
            ],
          },
        ],
      },
    },
    answer: 'prometheusrule.monitoring.coreos.com/x created (server dry run)',
  },
  {
    name: 'a group of rules without a name',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: {
        name: 'x',
      },
      spec: {
        groups: [
          {
            rules: [
              {
                record: 'r',
              },
            ],
          },
        ],
      },
    },
    answer:
      'The PrometheusRule "x" is invalid: \n* spec.groups[0].rules[0].expr: Required value\n* spec.groups[0].name: Required value',
  },
  {
    name: 'groups of rules that have one name',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: {
        name: 'x',
      },
      spec: {
        groups: [
          {
            name: 'g',
          },
          {
            name: 'g',
          },
        ],
      },
    },
    answer: 'The PrometheusRule "x" is invalid: spec.groups[1]: Duplicate value: {"name":"g"}',
  },
  {
    name: 'a ServiceMonitor',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: {
        name: 'x',
      },
      spec: {
        selector: {},
        endpoints: [
          {
            port: 'web',
            interval: '30s',
          },
        ],
      },
    },
    answer: 'servicemonitor.monitoring.coreos.com/x created (server dry run)',
  },
  {
    name: 'a ServiceMonitor with a wrong interval',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: {
        name: 'x',
      },
      spec: {
        selector: {},
        endpoints: [
          {
            port: 'web',
            interval: 'thirty',
            scheme: 'ftp',
          },
        ],
      },
    },
    answer:
      'The ServiceMonitor "x" is invalid: \n* spec.endpoints[0].interval: Invalid value: "thirty": spec.endpoints[0].interval in body should match \'^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$\'\n* spec.endpoints[0].scheme: Unsupported value: "ftp": supported values: "http", "https"',
  },
  {
    name: 'a ServiceMonitor without endpoints',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: {
        name: 'x',
      },
      spec: {
        selector: {},
      },
    },
    answer: 'The ServiceMonitor "x" is invalid: spec.endpoints: Required value',
  },
  {
    name: 'a Prometheus',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'Prometheus',
      metadata: {
        name: 'x',
      },
      spec: {
        replicas: 1,
      },
    },
    answer: 'prometheus.monitoring.coreos.com/x created (server dry run)',
  },
  {
    name: 'a Prometheus with negative shards and a wrong version of a mode',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'Prometheus',
      metadata: {
        name: 'x',
      },
      spec: {
        replicas: 'one',
        logLevel: 'loud',
        retentionSize: '5 bananas',
      },
    },
    answer:
      'The Prometheus "x" is invalid: \n* spec.logLevel: Unsupported value: "loud": supported values: "", "debug", "info", "warn", "error"\n* spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"\n* spec.retentionSize: Invalid value: "5 bananas": spec.retentionSize in body should match \'(^0|([0-9]*[.])?[0-9]+((K|M|G|T|E|P)i?)?B)$\'',
  },
  {
    name: 'an Alertmanager',
    object: {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'Alertmanager',
      metadata: {
        name: 'x',
      },
      spec: {
        replicas: 3,
        clusterAdvertiseAddress: '',
      },
    },
    answer: 'alertmanager.monitoring.coreos.com/x created (server dry run)',
  },
  {
    name: 'an AlertmanagerConfig with a receiver without a name',
    object: {
      apiVersion: 'monitoring.coreos.com/v1alpha1',
      kind: 'AlertmanagerConfig',
      metadata: {
        name: 'x',
      },
      spec: {
        receivers: [
          {
            webhookConfigs: [
              {
                url: 'x',
              },
            ],
          },
        ],
        route: {
          receiver: '',
        },
      },
    },
    answer: 'The AlertmanagerConfig "x" is invalid: spec.receivers[0].name: Required value',
  },
  {
    name: 'a ScrapeConfig with http_sd of no URL',
    object: {
      apiVersion: 'monitoring.coreos.com/v1alpha1',
      kind: 'ScrapeConfig',
      metadata: {
        name: 'x',
      },
      spec: {
        httpSDConfigs: [
          {
            url: 'no',
          },
        ],
      },
    },
    answer:
      'The ScrapeConfig "x" is invalid: spec.httpSDConfigs[0].url: Invalid value: "no": spec.httpSDConfigs[0].url in body should match \'^http(s)?://.+$\'',
  },
  {
    name: 'an Issuer',
    object: {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Issuer',
      metadata: {
        name: 'x',
      },
      spec: {
        selfSigned: {},
      },
    },
    answer: 'issuer.cert-manager.io/x created (server dry run)',
  },
  {
    name: 'an Issuer of nothing known',
    object: {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Issuer',
      metadata: {
        name: 'x',
      },
      spec: {
        vault: {
          path: 1,
        },
      },
    },
    answer:
      'The Issuer "x" is invalid: \n* spec.vault.path: Invalid value: "integer": spec.vault.path in body must be of type string: "integer"\n* spec.vault.auth: Required value\n* spec.vault.server: Required value',
  },
  {
    name: 'a Certificate without a secret',
    object: {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: {
        name: 'x',
      },
      spec: {
        issuerRef: {
          kind: 'Issuer',
        },
      },
    },
    answer:
      'The Certificate "x" is invalid: \n* spec.issuerRef.name: Required value\n* spec.secretName: Required value',
  },
  {
    name: 'a Certificate with a usage that is none',
    object: {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: {
        name: 'x',
      },
      spec: {
        secretName: 's',
        issuerRef: {
          name: 'i',
        },
        usages: ['fly'],
        privateKey: {
          algorithm: 'XYZ',
        },
        revisionHistoryLimit: 0,
      },
    },
    answer:
      'The Certificate "x" is invalid: \n* spec.usages[0]: Unsupported value: "fly": supported values: "signing", "digital signature", "content commitment", "key encipherment", "key agreement", "data encipherment", "cert sign", "crl sign", "encipher only", "decipher only", "any", "server auth", "client auth", "code signing", "email protection", "s/mime", "ipsec end system", "ipsec tunnel", "ipsec user", "timestamping", "ocsp signing", "microsoft sgc", "netscape sgc"\n* spec.privateKey.algorithm: Unsupported value: "XYZ": supported values: "RSA", "ECDSA", "Ed25519"',
  },
  {
    name: 'a Cluster',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Cluster',
      metadata: {
        name: 'x',
      },
      spec: {
        infrastructureRef: {
          apiGroup: 'infrastructure.cluster.x-k8s.io',
          kind: 'DockerCluster',
          name: 'd',
        },
      },
    },
    answer: 'cluster.cluster.x-k8s.io/x created (server dry run)',
  },
  {
    name: 'a Cluster of nothing',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Cluster',
      metadata: {
        name: 'x',
      },
      spec: {},
    },
    answer: 'The Cluster "x" is invalid: spec: Invalid value: 0: spec in body should have at least 1 properties',
  },
  {
    name: 'a Cluster with a wrong endpoint',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Cluster',
      metadata: {
        name: 'x',
      },
      spec: {
        paused: true,
        controlPlaneEndpoint: {
          host: '',
          port: 99999,
        },
      },
    },
    answer:
      'The Cluster "x" is invalid: \n* spec.controlPlaneEndpoint.port: Invalid value: 99999: spec.controlPlaneEndpoint.port in body should be less than or equal to 65535\n* spec.controlPlaneEndpoint.host: Invalid value: "": spec.controlPlaneEndpoint.host in body should be at least 1 chars long',
  },
  {
    name: 'a Cluster with a topology without a class',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Cluster',
      metadata: {
        name: 'x',
      },
      spec: {
        topology: {
          version: 'v1',
          classRef: {
            name: 'Bad_Name',
          },
          variables: [
            {
              name: 'a',
              value: 1,
            },
            {
              name: 'a',
              value: 2,
            },
          ],
        },
      },
    },
    answer:
      'The Cluster "x" is invalid: \n* spec.topology.classRef.name: Invalid value: "Bad_Name": spec.topology.classRef.name in body should match \'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$\'\n* spec.topology.variables[1]: Duplicate value: {"name":"a"}',
  },
  {
    name: 'a MachineDeployment that lacks nearly everything',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachineDeployment',
      metadata: {
        name: 'x',
      },
      spec: {
        replicas: -1,
        rollout: {
          strategy: {
            type: 'Now',
          },
        },
      },
    },
    answer:
      'The MachineDeployment "x" is invalid: \n* spec.rollout.strategy.type: Unsupported value: "Now": supported values: "RollingUpdate", "OnDelete"\n* spec.clusterName: Required value\n* spec.selector: Required value\n* spec.template: Required value\n* .spec.replicas: Invalid value: -1: should be a non-negative integer',
  },
  {
    name: 'a MachineDeployment of an older version',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta1',
      kind: 'MachineDeployment',
      metadata: {
        name: 'x',
      },
      spec: {
        clusterName: '',
        selector: {},
        template: {},
      },
    },
    answer:
      'Warning: cluster.x-k8s.io/v1beta1 MachineDeployment is deprecated; use cluster.x-k8s.io/v1beta2 MachineDeployment\nThe MachineDeployment "x" is invalid: spec.clusterName: Invalid value: "": spec.clusterName in body should be at least 1 chars long',
  },
  {
    name: 'a MachineHealthCheck with conditions that say nothing',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachineHealthCheck',
      metadata: {
        name: 'x',
      },
      spec: {
        clusterName: 'c',
        selector: {},
        checks: {
          unhealthyNodeConditions: [],
        },
      },
    },
    answer:
      'The MachineHealthCheck "x" is invalid: spec.checks.unhealthyNodeConditions: Invalid value: 0: spec.checks.unhealthyNodeConditions in body should have at least 1 items',
  },
  {
    name: 'a MachineHealthCheck with a time that is none',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachineHealthCheck',
      metadata: {
        name: 'x',
      },
      spec: {
        clusterName: 'c',
        selector: {
          matchLabels: {
            a: 'b',
          },
        },
        checks: {
          unhealthyNodeConditions: [
            {
              type: 'Ready',
              status: 'Unknown',
              timeoutSeconds: -5,
            },
          ],
        },
        remediation: {
          triggerIf: {
            unhealthyInRange: '3-1',
          },
        },
      },
    },
    answer:
      'The MachineHealthCheck "x" is invalid: \n* spec.remediation.triggerIf.unhealthyInRange: Invalid value: "3-1": spec.remediation.triggerIf.unhealthyInRange in body should match \'^\\[[0-9]+-[0-9]+\\]$\'\n* spec.checks.unhealthyNodeConditions[0].timeoutSeconds: Invalid value: -5: spec.checks.unhealthyNodeConditions[0].timeoutSeconds in body should be greater than or equal to 0',
  },
  {
    name: 'a MachineDrainRule',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachineDrainRule',
      metadata: {
        name: 'x',
      },
      spec: {
        drain: {
          behavior: 'Skip',
          order: 5,
        },
      },
    },
    answer: 'machinedrainrule.cluster.x-k8s.io/x created (server dry run)',
  },
  {
    name: 'a MachineDrainRule with twice the same machines',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachineDrainRule',
      metadata: {
        name: 'x',
      },
      spec: {
        drain: {
          behavior: 'Drain',
        },
        machines: [
          {
            selector: {
              matchLabels: {
                a: 'b',
              },
            },
          },
          {
            selector: {
              matchLabels: {
                a: 'b',
              },
            },
          },
        ],
      },
    },
    answer: 'The MachineDrainRule "x" is invalid: spec.machines: Invalid value: entries in machines must be unique',
  },
  {
    name: 'an IPAddress of no pool',
    object: {
      apiVersion: 'ipam.cluster.x-k8s.io/v1beta2',
      kind: 'IPAddress',
      metadata: {
        name: 'x',
      },
      spec: {
        address: '10.0.0.300',
        prefix: 200,
        claimRef: {
          name: 'c',
        },
      },
    },
    answer:
      'The IPAddress "x" is invalid: \n* spec.prefix: Invalid value: 200: spec.prefix in body should be less than or equal to 128\n* spec.poolRef: Required value',
  },
  {
    name: 'an ExtensionConfig without a client',
    object: {
      apiVersion: 'runtime.cluster.x-k8s.io/v1beta2',
      kind: 'ExtensionConfig',
      metadata: {
        name: 'x',
      },
      spec: {
        clientConfig: {},
      },
    },
    answer:
      'The ExtensionConfig "x" is invalid: spec.clientConfig: Invalid value: 0: spec.clientConfig in body should have at least 1 properties',
  },
  {
    name: 'a ClusterResourceSet with resources of no kind',
    object: {
      apiVersion: 'addons.cluster.x-k8s.io/v1beta2',
      kind: 'ClusterResourceSet',
      metadata: {
        name: 'x',
      },
      spec: {
        clusterSelector: {
          matchLabels: {
            a: 'b',
          },
        },
        resources: [
          {
            kind: 'Pod',
            name: 'p',
          },
        ],
        strategy: 'Always',
      },
    },
    answer:
      'The ClusterResourceSet "x" is invalid: \n* spec.strategy: Unsupported value: "Always": supported values: "ApplyOnce", "Reconcile"\n* spec.resources[0].kind: Unsupported value: "Pod": supported values: "Secret", "ConfigMap"',
  },
  {
    name: 'a ClusterClass that is empty',
    object: {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'ClusterClass',
      metadata: {
        name: 'x',
      },
      spec: {},
    },
    answer:
      'The ClusterClass "x" is invalid: \n* spec.controlPlane: Required value\n* spec.infrastructure: Required value\n* <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  },
];
