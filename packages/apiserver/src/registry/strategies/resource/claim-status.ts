import { deepEqual } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkConditions } from '../conditions.ts';
import { goValue } from '../go-value.ts';
import { validateNodeSelector } from '../pods/affinity-validation.ts';
import { checkCidrAddress } from './claim-addresses.ts';
import { checkReferences, checkRequestReference, requestNames } from './claim-spec.ts';
import { checkConfig, checkDriver, checkList, checkName, checkPool, checkRaw } from './device-checks.ts';
import type { ClaimStatus, DeviceId, ResourceClaim } from './types.ts';

const api = 'io.k8s.api.resource.v1.';
const keyOf = ({ driver = '', pool = '', device = '' }: DeviceId) => `${driver}/${pool}/${device}`;

function checkAllocation({ status, spec }: ResourceClaim, errors: FieldErrors): void {
  const at = 'status.allocation';
  const allocation = status?.allocation;
  if (!allocation) return;
  const names = requestNames(spec);
  checkList(allocation.devices?.results, `${at}.devices.results`, errors, { most: 32 }, (each, here) => {
    const { request = '', driver = '', pool = '', device = '' } = each;
    checkRequestReference(request, names, `${here}.request`, errors);
    checkDriver(driver, `${here}.driver`, errors);
    checkPool(pool, `${here}.pool`, errors);
    checkName(device, `${here}.device`, errors);
  });
  checkList(allocation.devices?.config, `${at}.devices.config`, errors, { most: 64 }, (each, here) => {
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

const reservedField = 'status.reservedFor';

function checkReservations({ reservedFor }: ClaimStatus, errors: FieldErrors): void {
  checkList(reservedFor, reservedField, errors, { most: 256, keyOf: ({ uid = '' }) => uid }, (each, here) => {
    const { resource = '', name = '', uid = '' } = each;
    if (resource === '') errors.required(`${here}.resource`);
    if (name === '') errors.required(`${here}.name`);
    if (uid === '') errors.required(`${here}.uid`);
  });
}

const shownId = ({ driver = '', pool = '', device = '' }: DeviceId) => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: '',
});

function checkDevices({ devices, allocation }: ClaimStatus, errors: FieldErrors): void {
  const allocated = new Set((allocation?.devices?.results ?? []).map(keyOf));
  checkList(devices, 'status.devices', errors, { keyOf, shown: shownId }, (device, at) => {
    checkDriver(device.driver ?? '', `${at}.driver`, errors);
    checkPool(device.pool ?? '', `${at}.pool`, errors);
    checkName(device.device ?? '', `${at}.device`, errors);
    if (!allocated.has(keyOf(device))) errors.invalid(at, shownId(device), 'must be an allocated device in the claim');
    checkConditions(device.conditions, `${at}.conditions`, errors);
    if (device.data !== undefined) checkRaw(device.data, `${at}.data`, errors);
    const { interfaceName = '', hardwareAddress = '', ips } = device.networkData ?? {};
    if (interfaceName.length > 256) errors.tooLong(`${at}.networkData.interfaceName`, 256);
    if (hardwareAddress.length > 128) errors.tooLong(`${at}.networkData.hardwareAddress`, 128);
    checkList(ips, `${at}.networkData.ips`, errors, { most: 16, keyOf: (each) => each }, (ip, here) => {
      checkCidrAddress(ip, here, errors);
    });
  });
}

export function checkClaimStatus(claim: ResourceClaim, old: ResourceClaim, errors: FieldErrors): void {
  const { status = {} } = claim;
  checkReservations(status, errors);
  checkDevices(status, errors);
  if (status.reservedFor?.length && !status.allocation) {
    errors.forbidden(reservedField, 'may not be specified when `allocated` is not set');
  }
  if (deepEqual(status.allocation, old.status?.allocation)) return;
  if (status.allocation && old.status?.allocation) {
    errors.invalid('status.allocation', goValue(`${api}AllocationResult`, status.allocation), 'field is immutable');
  } else checkAllocation(claim, errors);
}
