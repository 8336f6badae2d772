import {
  APIService,
  CertificateSigningRequest,
  ClusterRoleBinding,
  ConfigMap,
  Event,
  FlowSchema,
  type KubernetesObject,
  Lease,
  MutatingWebhookConfiguration,
  Namespace,
  Node,
  PriorityClass,
  PriorityLevelConfiguration,
  ResourceQuota,
  RoleBinding,
  RuntimeClass,
  Secret,
  ServiceAccount,
  type Subject,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '@keelson/core';
import { z } from 'zod';
import { type Cell, cellsFor, type KindCells } from './cells.ts';
import { none, unset } from './format.ts';
import { age, humanDuration } from './human-duration.ts';
import { paramReference } from './other-cells.ts';

const named = ({ metadata }: KubernetesObject, now: number, ...between: readonly Cell[]): readonly Cell[] => [
  metadata.name ?? '',
  ...between,
  age(now, metadata.creationTimestamp),
];
const size = (...maps: readonly (object | undefined)[]) =>
  maps.reduce((sum, map) => sum + Object.keys(map ?? {}).length, 0);

export const clusterCells: readonly KindCells[] = [
  cellsFor(Node, (node, now) => nodeCells(node, now)),
  cellsFor(Namespace, (object, now) => named(object, now, object.status?.phase ?? '')),
  cellsFor(ConfigMap, (object, now) => named(object, now, size(object.data, object.binaryData))),
  cellsFor(Secret, (object, now) => named(object, now, object.type ?? '', size(object.data))),
  cellsFor(ServiceAccount, (object, now) => named(object, now)),
  cellsFor(Event, (event, now) => {
    const { source, involvedObject: target = {} } = event;
    return eventCells(
      {
        name: event.metadata.name ?? '',
        type: event.type,
        reason: event.reason,
        message: event.message,
        target,
        component: source?.component,
        host: source?.host,
        controller: event.reportingComponent,
        instance: event.reportingInstance,
        first: event.firstTimestamp ?? event.eventTime,
        last: event.series?.lastObservedTime ?? event.lastTimestamp ?? event.firstTimestamp ?? event.eventTime,
        count: event.series?.count ?? event.count,
      },
      now,
    );
  }),
  { key: 'events.k8s.io/events', cells: newEventCells },
  cellsFor(ResourceQuota, (object, now) => {
    const texts = Object.entries(object.status?.hard ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, hard]) => `${name}: ${object.status?.used?.[name] ?? '0'}/${hard}`);
    const limit = (text: string) => text.startsWith('limits');
    return named(object, now, texts.filter((each) => !limit(each)).join(', '), texts.filter(limit).join(', '));
  }),
  cellsFor(RoleBinding, bindingCells),
  cellsFor(ClusterRoleBinding, bindingCells),
  cellsFor(Lease, (object, now) => named(object, now, object.spec?.holderIdentity ?? '')),
  cellsFor(PriorityClass, (object, now) => [
    ...named(object, now, object.value ?? 0, object.globalDefault ?? false),
    object.preemptionPolicy ?? '',
  ]),
  cellsFor(RuntimeClass, (object, now) => named(object, now, object.handler)),
  cellsFor(CertificateSigningRequest, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    age(now, metadata.creationTimestamp),
    spec?.signerName || none,
    spec?.username ?? '',
    spec?.expirationSeconds === undefined ? none : humanDuration(spec.expirationSeconds * 1000),
    signingState(status?.conditions ?? [], Boolean(status?.certificate)),
  ]),
  cellsFor(MutatingWebhookConfiguration, (object, now) => named(object, now, object.webhooks?.length ?? 0)),
  cellsFor(ValidatingWebhookConfiguration, (object, now) => named(object, now, object.webhooks?.length ?? 0)),
  cellsFor(ValidatingAdmissionPolicy, (object, now) => {
    const { apiVersion, kind } = object.spec?.paramKind ?? {};
    return named(object, now, object.spec?.validations?.length ?? 0, kind ? `${apiVersion}/${kind}` : unset);
  }),
  cellsFor(ValidatingAdmissionPolicyBinding, (object, now) => {
    return named(object, now, object.spec?.policyName ?? '', paramReference(object.spec?.paramRef));
  }),
  cellsFor(APIService, (object, now) => {
    const { service } = object.spec ?? {};
    const available = object.status?.conditions?.find((each) => each.type === 'Available');
    const state = available
      ? available.status === 'True'
        ? 'True'
        : `${available.status} (${available.reason})`
      : 'Unknown';
    return named(object, now, service ? `${service.namespace}/${service.name}` : 'Local', state);
  }),
  cellsFor(FlowSchema, ({ metadata, spec, status }, now) => {
    const dangling = status?.conditions?.find((each) => each.type === 'Dangling');
    return [
      metadata.name ?? '',
      spec?.priorityLevelConfiguration?.name ?? '',
      spec?.matchingPrecedence ?? 0,
      spec?.distinguisherMethod?.type ?? none,
      age(now, metadata.creationTimestamp),
      dangling?.status ?? '?',
    ];
  }),
  cellsFor(PriorityLevelConfiguration, (object, now) => {
    const { limited, type } = object.spec ?? {};
    const { queues, handSize, queueLengthLimit } = limited?.limitResponse?.queuing ?? {};
    const shares = limited?.nominalConcurrencyShares ?? none;
    return named(object, now, type ?? '', shares, queues ?? none, handSize ?? none, queueLengthLimit ?? none);
  }),
];

function nodeCells({ metadata, spec, status }: Node, now: number): readonly Cell[] {
  const ready = status?.conditions?.find((each) => each.type === 'Ready');
  const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return key.length > prefix.length ? [key.slice(prefix.length)] : [];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  const address = (type: string) => status?.addresses?.find((each) => each.type === type)?.address ?? none;
  const info = status?.nodeInfo;
  return [
    metadata.name ?? '',
    spec?.unschedulable ? `${state},SchedulingDisabled` : state,
    roles.length > 0 ? [...new Set(roles)].sort().join(',') : none,
    age(now, metadata.creationTimestamp),
    info?.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    info?.osImage || '<unknown>',
    info?.kernelVersion || '<unknown>',
    info?.containerRuntimeVersion || '<unknown>',
  ];
}

function bindingCells(binding: RoleBinding | ClusterRoleBinding, now: number): readonly Cell[] {
  const of = (kind: string, text: (subject: Subject) => string) =>
    (binding.subjects ?? [])
      .filter((each) => each.kind === kind)
      .map(text)
      .join(', ');
  return [
    ...named(binding, now, `${binding.roleRef?.kind ?? ''}/${binding.roleRef?.name ?? ''}`),
    of('User', ({ name }) => name),
    of('Group', ({ name }) => name),
    of('ServiceAccount', ({ namespace, name }) => `${namespace ?? ''}/${name}`),
  ];
}

function signingState(conditions: readonly { readonly type: string }[], issued: boolean): string {
  const has = (type: string) => conditions.some((each) => each.type === type);
  const states = [has('Approved') ? 'Approved' : has('Denied') ? 'Denied' : 'Pending'];
  if (has('Failed')) states.push('Failed');
  if (issued) states.push('Issued');
  return states.join(',');
}

interface EventParts {
  readonly name: string;
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly target: { readonly kind?: string; readonly name?: string; readonly fieldPath?: string };
  readonly component?: string;
  readonly host?: string;
  readonly controller?: string;
  readonly instance?: string;
  readonly first?: string;
  readonly last?: string;
  readonly count?: number;
}

function eventCells(event: EventParts, now: number): readonly Cell[] {
  const kind = (event.target.kind ?? '').toLowerCase();
  const source = event.component || event.controller || '';
  const place = event.component ? event.host : event.instance;
  return [
    age(now, event.last),
    event.type ?? '',
    event.reason ?? '',
    event.target.name ? `${kind}/${event.target.name}` : kind,
    event.target.fieldPath ?? '',
    place ? `${source}, ${place}` : source,
    (event.message ?? '').trim(),
    age(now, event.first),
    event.count || 1,
    event.name,
  ];
}

const text = z
  .string()
  .nullish()
  .transform((each) => each ?? undefined);
const NewEvent = z.object({
  metadata: z.object({ name: text }),
  type: text,
  reason: text,
  note: text,
  regarding: z.object({ kind: text, name: text, fieldPath: text }).nullish(),
  deprecatedSource: z.object({ component: text, host: text }).nullish(),
  reportingController: text,
  reportingInstance: text,
  eventTime: text,
  deprecatedFirstTimestamp: text,
  deprecatedLastTimestamp: text,
  deprecatedCount: z.number().nullish(),
  series: z.object({ count: z.number(), lastObservedTime: z.string() }).nullish(),
});

/** Events under events.k8s.io, where the same fields have other names. */
function newEventCells(object: KubernetesObject, now: number): readonly Cell[] | undefined {
  const parsed = NewEvent.safeParse(object);
  if (!parsed.success) return undefined;
  const event = parsed.data;
  const first = event.deprecatedFirstTimestamp ?? event.eventTime;
  return eventCells(
    {
      name: event.metadata.name ?? '',
      type: event.type,
      reason: event.reason,
      message: event.note,
      target: event.regarding ?? {},
      component: event.deprecatedSource?.component,
      host: event.deprecatedSource?.host,
      controller: event.reportingController,
      instance: event.reportingInstance,
      first,
      last: event.series?.lastObservedTime ?? event.deprecatedLastTimestamp ?? first,
      count: event.series?.count ?? event.deprecatedCount ?? undefined,
    },
    now,
  );
}
