import type { PersistentVolumeClaim, ScopedResourceSelectorRequirement } from '../../api/index.ts';
import { compareQuantity, parseQuantity, type Quantity } from '../../machinery/index.ts';
import type { QuotaEvaluator } from './contract.ts';
import { countName, one } from './count-evaluator.ts';

const plain = 'persistentvolumeclaims';
const storage = 'requests.storage';
const names = new Set([countName('', plain), plain, storage]);
/** `gold.storageclass.storage.k8s.io/requests.storage`: of the claims of one class only. */
const ofClass = '.storageclass.storage.k8s.io/';

export const claimEvaluator: QuotaEvaluator<PersistentVolumeClaim> = {
  group: '',
  resource: plain,
  // An update may ask for more, and its status may say that more was given.
  handles: (operation, subresource) =>
    operation === 'UPDATE'
      ? subresource === undefined || subresource === 'status'
      : operation === 'CREATE' && subresource === undefined,
  counts: (name) => names.has(name) || name.endsWith(`${ofClass}${storage}`) || name.endsWith(`${ofClass}${plain}`),
  usage(claim) {
    const usage: Record<string, Quantity> = { [countName('', plain)]: one, [plain]: one };
    const className = storageClassOf(claim);
    if (className) usage[`${className}${ofClass}${plain}`] = one;
    const size = sizeOf(claim);
    if (size !== undefined) {
      usage[storage] = size;
      if (className) usage[`${className}${ofClass}${storage}`] = size;
    }
    return usage;
  },
  inScope,
};

function storageClassOf({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName;
}

/** What was given counts as long as it is more than what is asked for: a growth that failed may be taken back (KEP-1790). */
function sizeOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const asked = spec.resources?.requests?.['storage'];
  if (asked === undefined) return undefined;
  const given = status?.allocatedResources?.['storage'];
  return parseQuantity(given !== undefined && compareQuantity(given, asked) > 0 ? given : asked);
}

function inScope(
  { spec, status }: PersistentVolumeClaim,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
): boolean {
  if (scopeName !== 'VolumeAttributesClass') return false;
  const classes = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((each) => each !== undefined && each !== '');
  // Of several classes, during a change from one to another, it is enough that one is as asked.
  if (operator === 'In') return classes.some((each) => values.includes(String(each)));
  if (operator === 'NotIn') return classes.length === 0 || classes.some((each) => !values.includes(String(each)));
  return (operator === 'Exists') === classes.length > 0;
}
