import type { Service, ServiceSpec } from '@keelson/core';
import type { Draft } from '../../draft.ts';
import type { FieldErrors } from '../../strategy.ts';
import { checkLegacyAddress, isV6 } from '../ip-checks.ts';
import { isHeadless } from './service-kinds.ts';

export type IpFamily = 'IPv4' | 'IPv6';
const families = ['IPv4', 'IPv6'] as const;
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const other = (family: string): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4');
export const familyOf = (address: string): IpFamily => (isV6(address) ? 'IPv6' : 'IPv4');

/** What addresses, families and policy say of each other. */
function validateRelated(spec: ServiceSpec, old: ServiceSpec | undefined, errors: FieldErrors): void {
  const at = 'spec.clusterIPs';
  const { clusterIP, clusterIPs: all = [], ipFamilies = [], ipFamilyPolicy } = spec;
  if (clusterIP) {
    if (all.length === 0) errors.required(at);
    else if (all[0] !== clusterIP) errors.invalid(at, all, 'first value must match `clusterIP`');
  } else if (all.length > 0) errors.invalid(at, all, 'must be empty when `clusterIP` is not specified');
  const seen = new Set<string>();
  ipFamilies.forEach((each, index) => {
    if (!families.some((known) => known === each)) errors.notSupported(`spec.ipFamilies[${index}]`, each, families);
    if (seen.has(each)) errors.duplicate(`spec.ipFamilies[${index}]`, each);
    seen.add(each);
  });
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy)) {
    errors.notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, policies);
  }
  let bad = false;
  all.forEach((each, index) => {
    if (index === 0 && each === 'None') {
      if (all.length === 1) return;
      bad = true;
      errors.invalid(at, all, "'None' must be the first and only value");
    } else if (each !== old?.clusterIPs?.[index] && !checkLegacyAddress(each, `${at}[${index}]`, errors)) bad = true;
  });
  if (all.length > 2) errors.invalid(at, all, 'may only hold up to 2 values');
  if (bad) return;
  if (all.length > 1 && all.every((each) => isV6(each) === isV6(all[0] ?? ''))) {
    errors.invalid(at, all, 'may specify no more than one IP for each IP family');
  }
  if (isHeadless(spec)) return;
  all.slice(0, ipFamilies.length).forEach((each, index) => {
    const wanted = ipFamilies[index];
    if (wanted !== 'IPv4' && wanted !== 'IPv6') return;
    if (familyOf(each) !== wanted) {
      errors.invalid(`${at}[${index}]`, each, `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``);
    }
  });
}

/** A Service of one family is none of two, whoever forgot to say so. */
function validateSingle(spec: ServiceSpec, errors: FieldErrors): void {
  if ((spec.ipFamilyPolicy ?? 'SingleStack') !== 'SingleStack') return;
  const why = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  if (spec.clusterIPs?.length === 2) {
    errors.invalid('spec.ipFamilyPolicy', 'SingleStack', `${why} cluster IPs are specified`);
  } else if (spec.ipFamilies?.length === 2) {
    errors.invalid('spec.ipFamilyPolicy', 'SingleStack', `${why} IP families are specified`);
  }
}

const sameList = (a: readonly string[] = [], b: readonly string[] = []) =>
  a.length === b.length && a.every((each, at) => each === b[at]);

/** From two families to one: what was second goes, unless the user still asks for it. */
function narrow(spec: Draft<ServiceSpec>, old: ServiceSpec): void {
  if (spec.ipFamilyPolicy !== 'SingleStack' || old.ipFamilyPolicy === 'SingleStack') return;
  if ((old.ipFamilies?.length ?? 0) < 2) return;
  if (sameList(spec.clusterIPs, old.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
  if (sameList(spec.ipFamilies, old.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
  if (spec.clusterIPs === undefined) delete spec.clusterIPs;
  if (spec.ipFamilies === undefined) delete spec.ipFamilies;
}

/**
 * Fills in families and policy (KEP-563). `configured`: the families of the cluster, the preferred one first. Findings
 * end the request before anything is taken, and before other rules are asked.
 */
export function settleFamilies(
  service: Draft<Service>,
  old: Service | undefined,
  configured: readonly IpFamily[],
  errors: FieldErrors,
): void {
  service.spec ??= {};
  const { spec } = service;
  if (spec.type === 'ExternalName') return;
  const before = old?.spec?.type === 'ExternalName' ? undefined : old?.spec;
  if (before?.ipFamilyPolicy) spec.ipFamilyPolicy ??= before.ipFamilyPolicy;
  if (before?.ipFamilies && !spec.ipFamilies?.length && fits(spec.clusterIPs, before.ipFamilies)) {
    spec.ipFamilies = [...before.ipFamilies];
  }
  if (before) narrow(spec, before);
  validateRelated(spec as ServiceSpec, before, errors);
  if (errors.list.length > 0) return;
  const unchanged =
    before !== undefined &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    spec.ipFamilyPolicy === before.ipFamilyPolicy &&
    sameList(spec.ipFamilies, before.ipFamilies) &&
    sameList(spec.clusterIPs, before.clusterIPs);
  if (unchanged) return;
  validateSingle(spec as ServiceSpec, errors);
  const bare = isHeadless(spec as ServiceSpec) && Object.keys(spec.selector ?? {}).length === 0;
  if (bare) settleBare(spec, configured);
  else settleServed(spec, configured, errors);
}

/** Addresses of other families than before tell their families themselves. */
const fits = (addresses: readonly string[] = [], before: readonly string[]) =>
  before.every((family, index) => {
    const address = addresses[index];
    return address === undefined || address === 'None' || familyOf(address) === family;
  });

/** Nobody of the cluster answers for these: they may have the families that the cluster does not. */
function settleBare(spec: Draft<ServiceSpec>, configured: readonly IpFamily[]): void {
  const given = spec.ipFamilies?.length ?? 0;
  if (given === 0) spec.ipFamilies = [configured[0] ?? 'IPv4'];
  spec.ipFamilyPolicy ??= 'RequireDualStack';
  const [first] = spec.ipFamilies ?? [];
  if (spec.ipFamilyPolicy !== 'SingleStack' && spec.ipFamilies?.length === 1 && first !== undefined) {
    spec.ipFamilies.push(other(first));
  }
}

function settleServed(spec: Draft<ServiceSpec>, configured: readonly IpFamily[], errors: FieldErrors): void {
  const dual = configured.length > 1;
  if (spec.ipFamilyPolicy === 'RequireDualStack' && !dual) {
    const why = 'this cluster is not configured for dual-stack services';
    errors.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why);
  }
  spec.ipFamilies?.forEach((each, index) => {
    if (!configured.some((known) => known === each)) {
      errors.invalid(`spec.ipFamilies[${index}]`, each, 'not configured on this cluster');
    }
  });
  if (errors.list.length > 0) return;
  if (!spec.ipFamilies?.length) {
    const addresses = (spec.clusterIPs ?? []).filter((each) => each !== 'None');
    spec.ipFamilies = addresses.length > 0 ? addresses.map(familyOf) : [configured[0] ?? 'IPv4'];
    spec.ipFamilies.forEach((each, index) => {
      if (!configured.some((known) => known === each)) {
        errors.invalid(`spec.clusterIPs[${index}]`, addresses, `${each} is not configured on this cluster`);
      }
    });
  }
  spec.ipFamilyPolicy ??= 'SingleStack';
  const [first] = spec.ipFamilies;
  if (dual && spec.ipFamilyPolicy !== 'SingleStack' && spec.ipFamilies.length === 1 && first !== undefined) {
    spec.ipFamilies.push(other(first));
  }
}
