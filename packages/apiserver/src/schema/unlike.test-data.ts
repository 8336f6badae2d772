import { isJson } from './oracle.test-data.ts';

/** Defaults and conversions that are no matter of decoding: those of the strategies. */
const meant = [
  /securityContext$/,
  /emptyDir$/,
  /hostPath\.type$/,
  /azureDisk\.readOnly$/,
  /grpc\.service$/,
  /rollingUpdate\.max(Surge|Unavailable)$/,
  /^\.spec\.priority$/,
  /sessionAffinityConfig$/,
  /serviceAccount$/,
  /pod(CIDR|IP)s?/,
  /targetPort$/,
  /optional$/,
  /conversion\.webhook$/,
  /\.(suspend|partition|manualSelector|storageCapacity|seLinuxMount|requiresRepublish|podInfoOnMount)$/,
  /\.(lendablePercent|nominalConcurrencyShares|stabilizationWindowSeconds)$/,
  /volumeClaimTemplates\[\d+\]\.(kind|apiVersion)$/,
  /devices\[\d+\]\.basic$/,
  /^\.ports\[\d+\]\.name$/,
  // Owners that are named twice are told once.
  /metadata\.ownerReferences$/,
  // Goes into data.
  /stringData$/,
  /^\.data\./,
  // Empty bytes: null before they are stored, and empty again in a map after.
  /^\.spec\.request$/,
  /^\.binaryData\./,
];

/** Where an object is not what the real server has made of it; what defaulting and admission add does not count. */
export function unlike(ours: unknown, theirs: unknown, at = ''): string[] {
  if (isJson(ours) && isJson(theirs)) {
    return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((key) => {
      const place = `${at}.${key}`;
      const [left, right] = [ours[key], theirs[key]];
      if (left === undefined && !isZero(right)) return [];
      return meant.some((each) => each.test(place)) ? [] : unlike(left, right, place);
    });
  }
  if (Array.isArray(ours) && Array.isArray(theirs) && theirs.length >= ours.length)
    return ours.flatMap((each: unknown, index) => unlike(each, theirs[index], `${at}[${index}]`));
  // Before it has been stored, what is empty and always written need not be null yet.
  if (ours === null && typeof theirs === 'object' && theirs !== null && Object.keys(theirs).length === 0) return [];
  // An empty text, a zero or a missing thing may have been defaulted.
  if ((ours === '' || ours === 0 || ours === null) && !isZero(theirs) && theirs !== undefined) return [];
  const [left, right] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return left === right ? [] : [`${at}: ours ${left?.slice(0, 200)}, theirs ${right?.slice(0, 200)}`];
}

function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === null || value === '' || value === 0 || value === false;
}
