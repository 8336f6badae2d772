import type { ClientConfigAt, KubernetesObject, Operator, PolicyRule, Service } from '@keelson/core';

/**
 * Who makes the certificate of webhooks: `operator`, which keeps it in a Secret and writes the authority into the
 * configurations; or `cert-manager`, which does both, so that the operator needs no rights for it.
 */
export type CertificateAuthority = 'operator' | 'cert-manager';

/** Webhooks are served here. */
export const webhookPort = 9443;
/** Where cert-manager's Secret is mounted. */
const certificateDirectory = '/certificates';

interface Place {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ca: CertificateAuthority;
}

/** What webhooks and conversions add to the objects that run operators. */
export interface WebhookParts {
  /** Of all operators, converted by webhook where they have several versions. */
  readonly crds: readonly KubernetesObject[];
  /** What the operators may do in the whole cluster. */
  readonly rules: readonly PolicyRule[];
  /** What they may do in their own namespace. */
  readonly ownRules: readonly PolicyRule[];
  /** What is in front of them. */
  readonly services: readonly KubernetesObject[];
  /** What makes their certificate, where they do not. */
  readonly certificates: readonly KubernetesObject[];
  /** Which requests they are asked about; last, as from then on they are waited for. */
  readonly configurations: readonly KubernetesObject[];
  readonly container: {
    readonly args: readonly string[];
    readonly env: readonly object[];
    readonly ports: readonly object[];
    readonly volumeMounts: readonly object[];
  };
  readonly volumes: readonly object[];
  readonly ingress: readonly object[];
}

export function webhookParts(operators: readonly Operator[], place: Place): WebhookParts {
  const { name, namespace, labels, ca } = place;
  const asked = operators.some((each) => each.installation?.isAsked);
  const service = `${name}-webhook`;
  const certificate = `${service}-certificate`;
  const at: ClientConfigAt = (path) => ({ service: { name: service, namespace, path, port: 443 } });
  const byCertManager = asked && ca === 'cert-manager';
  const trusting = <T extends KubernetesObject>(object: T): T =>
    byCertManager ? trustedBy(object, place, service) : object;
  return {
    crds: operators.flatMap(({ installation, crds }) =>
      (installation?.crdsWith(at) ?? crds).map((each) => (each.spec.conversion ? trusting(each) : each)),
    ),
    rules: operators.flatMap(
      ({ installation, rules = [] }) => installation?.rulesWhen(byCertManager ? 'cert-manager' : 'manifests') ?? rules,
    ),
    ownRules: asked && !byCertManager ? secretRules(certificate) : [],
    services: asked ? [serviceFor(name, { name: service, namespace, labels })] : [],
    certificates: byCertManager ? certManagerObjects(place, service, certificate) : [],
    configurations: operators
      .flatMap(({ installation }) => Object.values(installation?.webhooksWith(at) ?? {}))
      .flatMap((each) => (each ? [trusting(each)] : [])),
    container: {
      args: asked
        ? [
            `--webhook-service=$(POD_NAMESPACE)/${service}`,
            byCertManager ? `--webhook-certificates=${certificateDirectory}` : '--webhooks-installed',
          ]
        : [],
      env: asked ? [{ name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }] : [],
      ports: asked ? [{ name: 'webhooks', containerPort: webhookPort }] : [],
      volumeMounts: byCertManager ? [{ name: 'certificates', mountPath: certificateDirectory, readOnly: true }] : [],
    },
    volumes: byCertManager ? [{ name: 'certificates', secret: { secretName: certificate } }] : [],
    // The API server is no pod in most clusters, so that it cannot be named.
    ingress: asked ? [{ ports: [{ port: webhookPort, protocol: 'TCP' }] }] : [],
  };
}

function serviceFor(name: string, metadata: Service['metadata']): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      selector: { 'app.kubernetes.io/name': name },
      ports: [{ name: 'webhooks', port: 443, targetPort: 'webhooks' }],
    },
  };
}

/** cert-manager writes the authority of that certificate into it: cert-manager.io/docs/concepts/ca-injector. */
function trustedBy<T extends KubernetesObject>(object: T, { namespace }: Place, certificate: string): T {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, 'cert-manager.io/inject-ca-from': `${namespace}/${certificate}` };
  return { ...object, metadata: { ...metadata, annotations } };
}

function secretRules(name: string): readonly PolicyRule[] {
  const secrets = { apiGroups: [''], resources: ['secrets'] };
  return [
    { ...secrets, verbs: ['create'] },
    { ...secrets, resourceNames: [name], verbs: ['get', 'update'] },
  ];
}

function certManagerObjects(
  { namespace, labels }: Place,
  service: string,
  secretName: string,
): readonly KubernetesObject[] {
  const apiVersion = 'cert-manager.io/v1';
  const host = `${service}.${namespace}.svc`;
  const metadata = { name: service, namespace, labels };
  const issuer = { apiVersion, kind: 'Issuer', metadata, spec: { selfSigned: {} } };
  const certificate = {
    apiVersion,
    kind: 'Certificate',
    metadata,
    spec: {
      secretName,
      dnsNames: [host, `${host}.cluster.local`],
      issuerRef: { kind: 'Issuer', name: service },
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
    },
  };
  return [issuer, certificate];
}
