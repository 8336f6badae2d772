import {
  type CustomResourceDefinition,
  type LabelSelector,
  type MutatingWebhook,
  MutatingWebhookConfiguration,
  type PolicyRule,
  type ValidatingWebhook,
  ValidatingWebhookConfiguration,
  type WebhookClientConfig,
} from '../api/index.ts';
import type { DefinedWebhook } from './define-webhook.ts';
import type { ClientConfigAt, WebhookInstaller } from './webhooks.ts';

/** An operator's webhooks, and whose they are. */
export interface OperatorWebhooks {
  readonly operator: string;
  /** Group of the operator's own kind, where it has one. */
  readonly group: string | undefined;
  readonly webhooks: readonly DefinedWebhook[];
}

/** The objects that tell an API server of an operator's webhooks. */
export interface WebhookConfigurations {
  readonly validating: ValidatingWebhookConfiguration | undefined;
  readonly mutating: MutatingWebhookConfiguration | undefined;
}

/** What must be in a cluster for an operator's webhooks, and what it may do itself. */
export interface Installation {
  /** Whether API servers ask it anything: by webhooks, or for conversions. */
  readonly isAsked: boolean;
  /** Its `rules`, by who writes the configurations of webhooks. */
  rulesWhen(installedBy: WebhookInstaller): readonly PolicyRule[];
  /** The definitions, with the webhooks that convert between their versions. */
  crdsWith(at: ClientConfigAt): readonly CustomResourceDefinition[];
  webhooksWith(at: ClientConfigAt): WebhookConfigurations;
}

type Role = 'validate' | 'mutate';

const domainOf = ({ operator, group }: OperatorWebhooks) => `${operator}.${group ?? 'keelson.dev'}`;

/** The name that people see: `no-latest.website.example.com`. */
const fullName = (of: OperatorWebhooks, name: string) =>
  name.split('.').length > 2 ? name : `${name}.${domainOf(of)}`;

/** Where one is served, for example `/validate/website/no-latest`. */
export const webhookPath = ({ operator }: OperatorWebhooks, role: Role, { name }: DefinedWebhook) =>
  `/${role}/${operator}/${name}`;

/** The configurations that an operator's webhooks need; each only where there is something in it. */
export function webhookConfigurations(of: OperatorWebhooks, at: ClientConfigAt): WebhookConfigurations {
  const metadata = { name: domainOf(of), labels: { 'app.kubernetes.io/managed-by': 'keelson' } };
  const { validate, mutate } = byRole(of);
  return {
    validating:
      validate.length === 0
        ? undefined
        : {
            ...typeMeta(ValidatingWebhookConfiguration),
            metadata,
            webhooks: validate.map((each): ValidatingWebhook => entry(of, each, at(webhookPath(of, 'validate', each)))),
          },
    mutating:
      mutate.length === 0
        ? undefined
        : {
            ...typeMeta(MutatingWebhookConfiguration),
            metadata,
            webhooks: mutate.map(
              (each): MutatingWebhook => ({
                ...entry(of, each, at(webhookPath(of, 'mutate', each))),
                reinvocationPolicy: each.settings.reinvocationPolicy ?? 'Never',
              }),
            ),
          },
  };
}

function byRole({ webhooks }: OperatorWebhooks) {
  return {
    validate: webhooks.filter((each) => each.validate !== undefined),
    mutate: webhooks.filter((each) => each.mutate !== undefined),
  };
}

/** What writing them takes. */
export function webhookRules(of: OperatorWebhooks, installedBy: WebhookInstaller): readonly PolicyRule[] {
  const { validate, mutate } = byRole(of);
  const resources = [
    ...(validate.length > 0 ? [ValidatingWebhookConfiguration.plural] : []),
    ...(mutate.length > 0 ? [MutatingWebhookConfiguration.plural] : []),
  ];
  if (resources.length === 0 || installedBy === 'cert-manager') return [];
  // An apply names what it creates, so that its name can be held to as well.
  const verbs = installedBy === 'operator' ? ['get', 'create', 'patch', 'delete'] : ['patch'];
  return [{ apiGroups: ['admissionregistration.k8s.io'], resources, resourceNames: [domainOf(of)], verbs }];
}

const typeMeta = ({
  group,
  version,
  kind,
}: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}) => ({
  apiVersion: `${group}/${version}`,
  kind,
});

function entry(
  of: OperatorWebhooks,
  { name, for: type, operations, settings }: DefinedWebhook,
  clientConfig: WebhookClientConfig,
): ValidatingWebhook {
  const { subresources, matchConditions, objectSelector } = settings;
  const namespaceSelector = exempting(ownNamespace(of, type.group, clientConfig), settings.namespaceSelector);
  return {
    name: fullName(of, name),
    clientConfig,
    rules: [
      {
        operations,
        apiGroups: [type.group],
        apiVersions: [type.version],
        resources: subresources?.map((each) => (each === '' ? type.plural : `${type.plural}/${each}`)) ?? [type.plural],
        scope: type.namespaced ? 'Namespaced' : 'Cluster',
      },
    ],
    ...(matchConditions && { matchConditions }),
    ...(namespaceSelector && { namespaceSelector }),
    ...(objectSelector && { objectSelector }),
    failurePolicy: settings.failurePolicy ?? 'Fail',
    matchPolicy: settings.matchPolicy ?? 'Equivalent',
    sideEffects: settings.sideEffects ?? 'None',
    timeoutSeconds: settings.timeoutSeconds ?? 10,
    admissionReviewVersions: ['v1'],
  };
}

/**
 * The namespace that the operator's own pods are in, where the kind is one that they may need to start: an operator
 * that is away could otherwise never come back.
 */
function ownNamespace(
  { group }: OperatorWebhooks,
  about: string,
  { service }: WebhookClientConfig,
): string | undefined {
  return about === group ? undefined : service?.namespace;
}

function exempting(namespace: string | undefined, selector: LabelSelector | undefined): LabelSelector | undefined {
  if (namespace === undefined) return selector;
  const other = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [namespace] };
  return { ...selector, matchExpressions: [...(selector?.matchExpressions ?? []), other] };
}
