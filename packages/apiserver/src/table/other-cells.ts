import type { KubernetesObject } from '@keelson/core';
import { z } from 'zod';
import type { Cell, KindCells } from './cells.ts';
import { none, unset } from './format.ts';
import { age } from './human-duration.ts';

/**
 * Kinds that come in several versions or have no type of their own here: read leniently, since what is stored has been
 * checked already.
 */
const text = z
  .string()
  .nullish()
  .transform((each) => each ?? '');
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((each) => each ?? []);
const part = <T extends z.ZodRawShape>(shape: T) => z.object(shape).nullish();

type Make<T> = (object: T, age: string, now: number) => readonly Cell[];

const Named = z.object({ metadata: z.object({ name: text, creationTimestamp: z.string().nullish() }) });

function cells<T extends z.ZodRawShape>(key: string, shape: T, make: Make<z.infer<z.ZodObject<T>>>): KindCells {
  const schema = z.object(shape);
  return {
    key,
    cells(object: KubernetesObject, now) {
      const named = Named.safeParse(object);
      const read = schema.safeParse(object);
      if (!named.success || !read.success) return undefined;
      const { name, creationTimestamp } = named.data.metadata;
      const old = age(now, creationTimestamp ?? undefined);
      return [name, ...make(read.data, old, now)];
    },
  };
}

const condition = z.object({ type: text, status: text, message: text, error: text });
const taint = { key: text, value: text, effect: text, timeAdded: z.string().nullish() };
const storing = z.object({ apiServerID: text, encodingVersion: text });
const reference = part({ name: text, namespace: text, selector: z.unknown().optional() });

export const otherCells: readonly KindCells[] = [
  cells('/componentstatuses', { conditions: list(condition) }, ({ conditions }) => {
    const healthy = conditions.find(({ type }) => type === 'Healthy');
    if (!healthy) return ['Unknown', '', ''];
    return [healthy.status === 'True' ? 'Healthy' : 'Unhealthy', healthy.message, healthy.error];
  }),
  cells(
    'admissionregistration.k8s.io/mutatingadmissionpolicies',
    { spec: part({ mutations: list(z.unknown()), paramKind: part({ apiVersion: text, kind: text }) }) },
    ({ spec }, old) => {
      const { paramKind } = spec ?? {};
      const kind = paramKind ? `${paramKind.apiVersion}/${paramKind.kind}` : unset;
      return [spec?.mutations.length ?? 0, kind, old];
    },
  ),
  cells(
    'admissionregistration.k8s.io/mutatingadmissionpolicybindings',
    { spec: part({ policyName: text, paramRef: reference }) },
    ({ spec }, old) => [spec?.policyName ?? '', paramReference(spec?.paramRef), old],
  ),
  cells(
    'coordination.k8s.io/leasecandidates',
    { spec: part({ leaseName: text, binaryVersion: text, emulationVersion: text }) },
    ({ spec }, old) => [spec?.leaseName ?? '', spec?.binaryVersion ?? '', spec?.emulationVersion ?? '', old],
  ),
  cells(
    'resource.k8s.io/resourceclaims',
    {
      metadata: z.object({ deletionTimestamp: z.string().nullish() }),
      status: part({ allocation: z.unknown().optional(), reservedFor: list(z.unknown()) }),
    },
    ({ metadata, status }, old) => {
      const states = metadata.deletionTimestamp ? ['deleted'] : [];
      if (status?.allocation) states.push('allocated', ...(status.reservedFor.length > 0 ? ['reserved'] : []));
      else if (states.length === 0) states.push('pending');
      return [states.join(','), old];
    },
  ),
  cells(
    'resource.k8s.io/resourceslices',
    { spec: part({ nodeName: text, driver: text, pool: part({ name: text }) }) },
    ({ spec }, old) => [spec?.nodeName ?? '', spec?.driver ?? '', spec?.pool?.name ?? '', old],
  ),
  cells('resource.k8s.io/devicetaintrules', { spec: part({ taint: part(taint) }) }, ({ spec }, old, now) => {
    const { key = '', value = '', effect = '', timeAdded } = spec?.taint ?? {};
    return [key, value, effect, timeAdded ? age(now, timeAdded) : '', old];
  }),
  cells(
    'internal.apiserver.k8s.io/storageversions',
    { status: part({ commonEncodingVersion: text, storageVersions: list(storing) }) },
    ({ status }, old) => [
      status?.commonEncodingVersion || unset,
      firstOf(
        (status?.storageVersions ?? []).map(({ apiServerID, encodingVersion }) => `${apiServerID}=${encodingVersion}`),
      ),
      old,
    ],
  ),
];

function firstOf(texts: readonly string[]): string {
  if (texts.length === 0) return unset;
  return texts.length > 3 ? `${texts.slice(0, 3).join(',')} + ${texts.length - 3} more...` : texts.join(',');
}

const noSelector = '&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{},}';

/** What a binding's policy is given: an object by name, or those of a selector, which is shown as Go prints it. */
export function paramReference(
  given: { readonly name?: string; readonly namespace?: string; readonly selector?: unknown } | null | undefined,
): string {
  if (!given) return unset;
  if (given.name) return given.namespace ? `${given.namespace}/${given.name}` : given.name;
  return given.selector ? goSelector(given.selector) : none;
}

const Selector = z.object({
  matchLabels: z.record(z.string(), z.string()).nullish(),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
    .nullish(),
});

function goSelector(selector: unknown): string {
  const read = Selector.safeParse(selector);
  if (!read.success) return noSelector;
  const labels = Object.entries(read.data.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (read.data.matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],}`,
  );
  const map = labels.map(([key, value]) => `${key}: ${value},`).join('');
  const list = expressions.map((each) => `${each},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${map}},MatchExpressions:[]LabelSelectorRequirement{${list}},}`;
}
