import { deepEqual } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkConditions } from '../conditions.ts';
import { goValue } from '../go-value.ts';
import { validateNodeSelector } from '../pods/affinity-validation.ts';
import { checkCidrAddress } from './claim-addresses.ts';
import { checkReferences, checkRequestReference, requestNames } from './claim-spec.ts';
import { checkConfig, checkDriver, checkName, checkPool, checkRaw } from './device-checks.ts';
import type { ClaimStatus, DeviceId, ResourceClaim } from './types.ts';

const api = 'io.k8s.api.resource.v1.';
const keyOf = ({ driver = '', pool = '', device = '' }: DeviceId) => `${driver}/${pool}/${device}`;

function checkAllocation({ status, spec }: ResourceClaim, errors: FieldErrors): void {
  const at = 'status.allocation';
  const allocation = status?.allocation;
  if (!allocation) return;
  const names = requestNames(spec);
  const results = allocation.devices?.results ?? [];
  const config = allocation.devices?.config ?? [];
  if (results.length > 32) errors.tooMany(`${at}.devices.results`, results.length, 32);
  results.forEach(({ request = '', driver = '', pool = '', device = '' }, index) => {
    const here = `${at}.devices.results[${index}]`;
    checkRequestReference(request, names, `${here}.request`, errors);
    checkDriver(driver, `${here}.driver`, errors);
    checkPool(pool, `${here}.pool`, errors);
    checkName(device, `${here}.device`, errors);
  });
  config.forEach((each, index) => {
    const here = `${at}.devices.config[${index}]`;
    const { source = '' } = each;
    if (source === '') errors.required(`${here}.source`);
    else if (!['FromClaim', 'FromClass'].includes(source)) {
      errors.notSupported(`${here}.source`, source, ['FromClaim', 'FromClass']);
    }
    checkReferences(each.requests, names, `${here}.requests`, errors);
    checkConfig(each, here, errors);
  });
  if (allocation.nodeSelector) validateNodeSelector(allocation.nodeSelector, `${at}.nodeSelector`, errors);
}

function checkReservations({ reservedFor = [], allocation }: ClaimStatus, errors: FieldErrors): void {
  const at = 'status.reservedFor';
  if (reservedFor.length > 256) errors.tooMany(at, reservedFor.length, 256);
  const seen = new Set<string>();
  reservedFor.slice(0, 256).forEach(({ resource = '', name = '', uid = '' }, index) => {
    const here = `${at}[${index}]`;
    if (resource === '') errors.required(`${here}.resource`);
    if (name === '') errors.required(`${here}.name`);
    if (uid === '') errors.required(`${here}.uid`);
    if (seen.has(uid)) errors.duplicate(here, uid);
    seen.add(uid);
  });
  if (reservedFor.length > 0 && !allocation) errors.forbidden(at, 'may not be specified when `allocated` is not set');
}

function checkDevices({ devices = [], allocation }: ClaimStatus, errors: FieldErrors): void {
  const allocated = new Set((allocation?.devices?.results ?? []).map(keyOf));
  const seen = new Set<string>();
  devices.forEach((device, index) => {
    const at = `status.devices[${index}]`;
    checkDriver(device.driver ?? '', `${at}.driver`, errors);
    checkPool(device.pool ?? '', `${at}.pool`, errors);
    checkName(device.device ?? '', `${at}.device`, errors);
    const key = keyOf(device);
    const shown = { Driver: device.driver ?? '', Pool: device.pool ?? '', Device: device.device ?? '', ShareID: '' };
    if (!allocated.has(key)) errors.invalid(at, shown, 'must be an allocated device in the claim');
    checkConditions(device.conditions, `${at}.conditions`, errors);
    if (device.data !== undefined) checkRaw(device.data, `${at}.data`, errors);
    const { interfaceName = '', hardwareAddress = '', ips = [] } = device.networkData ?? {};
    if (interfaceName.length > 256) errors.tooLong(`${at}.networkData.interfaceName`, 256);
    if (hardwareAddress.length > 128) errors.tooLong(`${at}.networkData.hardwareAddress`, 128);
    const addresses = new Set<string>();
    ips.forEach((ip, place) => {
      const here = `${at}.networkData.ips[${place}]`;
      checkCidrAddress(ip, here, errors);
      if (addresses.has(ip)) errors.duplicate(here, ip);
      addresses.add(ip);
    });
    if (seen.has(key)) errors.duplicate(at, shown);
    seen.add(key);
  });
}

export function checkClaimStatus(claim: ResourceClaim, old: ResourceClaim, errors: FieldErrors): void {
  const { status = {} } = claim;
  checkReservations(status, errors);
  checkDevices(status, errors);
  if (deepEqual(status.allocation, old.status?.allocation)) return;
  if (status.allocation && old.status?.allocation) {
    errors.invalid('status.allocation', goValue(`${api}AllocationResult`, status.allocation), 'field is immutable');
  } else checkAllocation(claim, errors);
}
