import { validateDnsSubdomain } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkConfig, checkList, checkName, checkReferenced, checkSelectors } from './device-checks.ts';
import type { ClaimSpec, DeviceRequest, ExactRequest } from './types.ts';

const notARequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** Names of requests, and of their alternatives as `request/alternative`. */
export function requestNames(spec: ClaimSpec | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name = '', firstAvailable } of spec?.devices?.requests ?? []) {
    // Nobody can refer to a name with a slash of its own.
    if (!name.includes('/')) names.add(name);
    for (const each of firstAvailable ?? []) names.add(`${name}/${each.name ?? ''}`);
  }
  return names;
}

export function checkRequestReference(name: string, names: ReadonlySet<string>, at: string, errors: FieldErrors): void {
  const parts = name.split('/');
  if (parts.length > 2) {
    errors.invalid(at, name, notARequest);
    return;
  }
  for (const part of parts) checkName(part, at, errors);
  if (!names.has(name)) errors.invalid(at, name, notARequest);
}

export function checkReferences(
  given: readonly string[] | undefined,
  names: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
): void {
  checkList(given, at, errors, { most: 32, keyOf: (each) => each }, (each, here) => {
    checkRequestReference(each, names, here, errors);
  });
}

function checkExact(request: ExactRequest, at: string, errors: FieldErrors): void {
  const { deviceClassName = '', selectors, allocationMode, count } = request;
  if (deviceClassName === '') errors.required(`${at}.deviceClassName`);
  else errors.rule(`${at}.deviceClassName`, deviceClassName, validateDnsSubdomain(deviceClassName));
  checkSelectors(selectors, `${at}.selectors`, errors);
  if (allocationMode === 'All') {
    if (count) errors.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount') {
    if ((count ?? 0) <= 0) errors.invalid(`${at}.count`, count ?? 0, 'must be greater than zero');
  } else errors.notSupported(`${at}.allocationMode`, allocationMode ?? '', ['All', 'ExactCount']);
}

function checkRequest(request: DeviceRequest, at: string, errors: FieldErrors): void {
  const { name = '', exactly } = request;
  const firstAvailable = request.firstAvailable ?? [];
  checkName(name, `${at}.name`, errors);
  const alternatives = firstAvailable.length > 0;
  if (exactly && alternatives) {
    errors.invalid(at, null, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set');
    return;
  }
  if (!alternatives) {
    if (exactly) checkExact(exactly, `${at}.exactly`, errors);
    else errors.required(at, 'exactly one of `exactly` or `firstAvailable` is required');
    return;
  }
  checkList(firstAvailable, `${at}.firstAvailable`, errors, { most: 8, keyOf: nameOf }, (each, here) => {
    checkName(nameOf(each), `${here}.name`, errors);
    checkExact(each, here, errors);
  });
}

const nameOf = ({ name = '' }: { readonly name?: string | undefined }) => name;

/** KEP-4381: what devices are asked for. */
export function checkClaimSpec(spec: ClaimSpec | undefined, at: string, errors: FieldErrors): void {
  const devices = spec?.devices;
  const here = `${at}.devices`;
  const names = requestNames(spec);
  checkList(devices?.requests, `${here}.requests`, errors, { most: 32, keyOf: nameOf }, (each, place) => {
    checkRequest(each, place, errors);
  });
  checkList(
    devices?.constraints,
    `${here}.constraints`,
    errors,
    { most: 32 },
    ({ requests, matchAttribute }, place) => {
      checkReferences(requests, names, `${place}.requests`, errors);
      if (matchAttribute === undefined) errors.required(`${place}.matchAttribute`);
      else checkReferenced(matchAttribute, `${place}.matchAttribute`, errors);
    },
  );
  checkList(devices?.config, `${here}.config`, errors, { most: 32 }, (each, place) => {
    checkReferences(each.requests, names, `${place}.requests`, errors);
    checkConfig(each, place, errors);
  });
}
