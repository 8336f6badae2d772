import { isObject, type ObjectDraft } from './draft.ts';

/**
 * Owners that are named twice in the same words are kept once. Gives the warning that Kubernetes sends then: what a
 * patch makes is looked at later than what was sent whole (`patched`).
 */
export function dedupeOwners({ metadata }: ObjectDraft, patched = false): string | undefined {
  const owners: readonly unknown[] | undefined = metadata.ownerReferences;
  if (owners === undefined || owners.length < 2) return undefined;
  const seen = new Set<string>();
  const twice = new Set<string>();
  const kept = owners.filter((each) => {
    if (!isObject(each)) return true;
    const { apiVersion, kind, name, uid, controller, blockOwnerDeletion } = each;
    const identity = JSON.stringify([apiVersion, kind, name, uid, controller, blockOwnerDeletion]);
    if (seen.has(identity)) twice.add(String(uid));
    else if (seen.add(identity)) return true;
    return false;
  });
  if (twice.size === 0) return undefined;
  Object.assign(metadata, { ownerReferences: kept });
  const when = patched ? ' after mutating admission happens' : '';
  const uids = [...twice].join(', ');
  return `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`;
}
