import type { Kind } from './kind.ts';

/**
 * Kubernetes looks at the metadata of one write more than once, and says each time what it finds. `general`: all but
 * names of finalizers that have no domain; `any`: the same, with names of whatever can stand in a path; `update`: what
 * no update may change, and all but finalizers and names; `named` and `namedUpdate`: as `general` and `update`, and with
 * those names of finalizers. `fixed` is where fields are looked at that no update may change; `object` is where the rest
 * of the object is, else that is last; with `good`, what comes after it is looked at only where nothing is wrong so far.
 */
export type MetadataLook = 'any' | 'general' | 'update' | 'named' | 'namedUpdate';

type Step = MetadataLook | 'fixed' | 'object' | 'good';

const looks = {
  none: [],
  once: ['general'],
  late: ['good', 'any'],
  onceAndLate: ['named', 'good', 'any'],
  afterObject: ['object', 'named'],
  onceNamed: ['named'],
  twice: ['any', 'update'],
  thrice: ['any', 'update', 'namedUpdate'],
  thriceAround: ['any', 'update', 'object', 'namedUpdate'],
  thriceNamed: ['any', 'update', 'named'],
  thriceGeneral: ['any', 'update', 'general'],
  thriceUpdate: ['any', 'update', 'update'],
  fourTimes: ['any', 'update', 'namedUpdate', 'fixed', 'named'],
  fourTimesUpdate: ['any', 'update', 'named', 'namedUpdate'],
  fourTimesAround: ['any', 'update', 'named', 'object', 'namedUpdate'],
  fourTimesNamed: ['any', 'update', 'named', 'object', 'named'],
  fourTimesGeneral: ['any', 'update', 'update', 'general'],
  generalAround: ['any', 'update', 'general', 'object', 'update'],
} as const satisfies Readonly<Record<string, readonly Step[]>>;

type Looks = keyof typeof looks;

/** Which looks updates of each kind take, as a real v1.35 was seen to; the rest: `thrice`. */
const onUpdate = byName({
  fourTimes: [
    '/configmaps /endpoints /persistentvolumeclaims /pods /secrets /serviceaccounts apps/controllerrevisions',
    'networking.k8s.io/ingressclasses networking.k8s.io/ingresses storage.k8s.io/volumeattributesclasses',
  ],
  fourTimesUpdate: ['resource.k8s.io/deviceclasses resource.k8s.io/resourceclaims'],
  fourTimesAround: [
    '/namespaces /nodes batch/jobs certificates.k8s.io/certificatesigningrequests',
    'networking.k8s.io/ipaddresses networking.k8s.io/networkpolicies rbac.authorization.k8s.io/clusterrolebindings',
    'rbac.authorization.k8s.io/clusterroles rbac.authorization.k8s.io/rolebindings rbac.authorization.k8s.io/roles',
    'storage.k8s.io/csistoragecapacities storage.k8s.io/storageclasses resource.k8s.io/resourceclaimtemplates',
  ],
  fourTimesNamed: ['/persistentvolumes storage.k8s.io/csinodes'],
  fourTimesGeneral: ['apiregistration.k8s.io/apiservices'],
  generalAround: ['node.k8s.io/runtimeclasses'],
  thriceNamed: [
    '/limitranges storage.k8s.io/volumeattachments discovery.k8s.io/endpointslices',
    'flowcontrol.apiserver.k8s.io/flowschemas flowcontrol.apiserver.k8s.io/prioritylevelconfigurations',
  ],
  thriceUpdate: [
    'apiextensions.k8s.io/customresourcedefinitions coordination.k8s.io/leases coordination.k8s.io/leasecandidates',
  ],
  thriceGeneral: [
    'admissionregistration.k8s.io/mutatingwebhookconfigurations',
    'admissionregistration.k8s.io/validatingwebhookconfigurations',
    'admissionregistration.k8s.io/validatingadmissionpolicies',
    'admissionregistration.k8s.io/validatingadmissionpolicybindings',
    'admissionregistration.k8s.io/mutatingadmissionpolicies',
    'admissionregistration.k8s.io/mutatingadmissionpolicybindings',
  ],
  thriceAround: ['events.k8s.io/events'],
  twice: ['/events policy/poddisruptionbudgets internal.apiserver.k8s.io/storageversions'],
});

/** The same of updates of the status. */
const onStatus = byName({
  fourTimesAround: ['certificates.k8s.io/certificatesigningrequests'],
  thriceUpdate: ['apiextensions.k8s.io/customresourcedefinitions'],
  thriceNamed: ['storage.k8s.io/volumeattachments'],
  twice: [
    'batch/cronjobs policy/poddisruptionbudgets admissionregistration.k8s.io/validatingadmissionpolicies',
    'internal.apiserver.k8s.io/storageversions',
  ],
  none: ['flowcontrol.apiserver.k8s.io/flowschemas flowcontrol.apiserver.k8s.io/prioritylevelconfigurations'],
});

/** The same of creates; the rest: `onceNamed`. */
const onCreate = byName({
  late: ['/events policy/poddisruptionbudgets'],
  onceAndLate: ['certificates.k8s.io/certificatesigningrequests'],
  afterObject: ['events.k8s.io/events'],
  once: [
    'apiregistration.k8s.io/apiservices node.k8s.io/runtimeclasses',
    ...namesWith('thriceUpdate'),
    ...namesWith('thriceGeneral'),
  ],
});

function byName(lists: Partial<Record<Looks, readonly string[]>>): ReadonlyMap<string, Looks> {
  const found = new Map<string, Looks>();
  for (const [name, list] of Object.entries(lists) as [Looks, readonly string[]][]) {
    for (const each of list.join(' ').split(' ')) found.set(each, name);
  }
  return found;
}

function namesWith(wanted: Looks): string[] {
  return [...onUpdate].flatMap(([name, each]) => (each === wanted ? [name] : []));
}

const tables = { create: [onCreate, 'onceNamed'], update: [onUpdate, 'thrice'], status: [onStatus, 'thrice'] } as const;

/** The looks that a write of one kind takes before the rest of the object, and after it, each in their order. */
export interface MetadataLooks {
  readonly before: readonly MetadataLook[];
  /** What comes after fields that no update may change, and before the rest. */
  readonly between: readonly MetadataLook[];
  readonly after: readonly MetadataLook[];
  /** `after` is only looked at where nothing is wrong so far. */
  readonly onlyIfGood: boolean;
}

const isLook = (step: Step): step is MetadataLook => step !== 'fixed' && step !== 'object' && step !== 'good';

function parted(steps: readonly Step[]): MetadataLooks {
  const fixed = steps.indexOf('fixed');
  const middle = steps.findIndex((each) => each === 'object' || each === 'good');
  const end = middle < 0 ? steps.length : middle;
  const from = fixed < 0 ? end : fixed;
  const looksOf = (start: number, stop?: number) => steps.slice(start, stop).filter(isLook);
  return {
    before: looksOf(0, from),
    between: looksOf(from, end),
    after: looksOf(end),
    onlyIfGood: steps[end] === 'good',
  };
}

const partedLooks: ReadonlyMap<string, MetadataLooks> = new Map(
  Object.entries(looks).map(([name, steps]) => [name, parted(steps)]),
);
const noLooks = parted([]);

export function looksAtMetadata({ served }: Kind, write: 'create' | 'update' | 'status'): MetadataLooks {
  const [table, rest] = tables[write];
  const custom = write === 'create' ? 'once' : 'thriceUpdate';
  const name = served.custom ? custom : (table.get(`${served.group}/${served.resource}`) ?? rest);
  return partedLooks.get(name) ?? noLooks;
}
