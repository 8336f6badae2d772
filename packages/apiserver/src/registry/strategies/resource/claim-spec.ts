import { validateDnsSubdomain } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import type { ExpressionCheck } from '../admission-registration/index.ts';
import { checkConfig, checkName, checkReferenced, checkSelectors } from './device-checks.ts';
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
  const list = given ?? [];
  const seen = new Set<string>();
  if (list.length > 32) errors.tooMany(at, list.length, 32);
  list.forEach((each, index) => {
    const here = `${at}[${index}]`;
    checkRequestReference(each, names, here, errors);
    if (seen.has(each)) errors.duplicate(here, each);
    seen.add(each);
  });
}

function checkExact(request: ExactRequest, at: string, errors: FieldErrors, check: ExpressionCheck): void {
  const { deviceClassName = '', selectors, allocationMode, count } = request;
  if (deviceClassName === '') errors.required(`${at}.deviceClassName`);
  else errors.rule(`${at}.deviceClassName`, deviceClassName, validateDnsSubdomain(deviceClassName));
  checkSelectors(selectors, `${at}.selectors`, errors, check);
  if (allocationMode === 'All') {
    if (count) errors.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount') {
    if ((count ?? 0) <= 0) errors.invalid(`${at}.count`, count ?? 0, 'must be greater than zero');
  } else errors.notSupported(`${at}.allocationMode`, allocationMode ?? '', ['All', 'ExactCount']);
}

function checkRequest(request: DeviceRequest, at: string, errors: FieldErrors, check: ExpressionCheck): void {
  const { name = '', exactly } = request;
  const firstAvailable = request.firstAvailable ?? [];
  checkName(name, `${at}.name`, errors);
  const alternatives = firstAvailable.length > 0;
  if (exactly && alternatives) {
    errors.invalid(at, null, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set');
    return;
  }
  if (!alternatives) {
    if (exactly) checkExact(exactly, `${at}.exactly`, errors, check);
    else errors.required(at, 'exactly one of `exactly` or `firstAvailable` is required');
    return;
  }
  if (firstAvailable.length > 8) errors.tooMany(`${at}.firstAvailable`, firstAvailable.length, 8);
  const seen = new Set<string>();
  const twice: (readonly [string, string])[] = [];
  firstAvailable.slice(0, 8).forEach((each, index) => {
    const here = `${at}.firstAvailable[${index}]`;
    const own = each.name ?? '';
    checkName(own, `${here}.name`, errors);
    checkExact(each, here, errors, check);
    if (seen.has(own)) twice.push([here, own]);
    seen.add(own);
  });
  // What must be unique by declaration is looked at when all else has been.
  for (const [here, name] of twice) errors.duplicate(here, name);
}

/** KEP-4381: what devices are asked for. */
export function checkClaimSpec(
  spec: ClaimSpec | undefined,
  at: string,
  errors: FieldErrors,
  check: ExpressionCheck,
): void {
  const devices = spec?.devices;
  const [requests, constraints, config] = [devices?.requests ?? [], devices?.constraints ?? [], devices?.config ?? []];
  const here = `${at}.devices`;
  const names = requestNames(spec);
  if (requests.length > 32) errors.tooMany(`${here}.requests`, requests.length, 32);
  const seen = new Set<string>();
  requests.slice(0, 32).forEach((each, index) => {
    const name = each.name ?? '';
    checkRequest(each, `${here}.requests[${index}]`, errors, check);
    if (seen.has(name)) errors.duplicate(`${here}.requests[${index}]`, name);
    seen.add(name);
  });
  if (constraints.length > 32) errors.tooMany(`${here}.constraints`, constraints.length, 32);
  constraints.slice(0, 32).forEach(({ requests: of, matchAttribute }, index) => {
    const place = `${here}.constraints[${index}]`;
    checkReferences(of, names, `${place}.requests`, errors);
    if (matchAttribute === undefined) errors.required(`${place}.matchAttribute`);
    else checkReferenced(matchAttribute, `${place}.matchAttribute`, errors);
  });
  if (config.length > 32) errors.tooMany(`${here}.config`, config.length, 32);
  config.slice(0, 32).forEach((each, index) => {
    const place = `${here}.config[${index}]`;
    checkReferences(each.requests, names, `${place}.requests`, errors);
    checkConfig(each, place, errors);
  });
}
