import type { Container, LifecycleHandler, Probe } from '@keelson/core';
import { validatePortName } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkNonNegative, checkOneOf, checkPort } from '../checks.ts';

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

const headerName = /^[-A-Za-z0-9]+$/;

export function validatePortNumberOrName(port: number | string | undefined, at: string, errors: FieldErrors): void {
  if (typeof port === 'string') errors.rule(at, port, validatePortName(port));
  else checkPort(at, port ?? 0, errors);
}

function validateHttpGet({ httpGet }: Handler, at: string, errors: FieldErrors): void {
  if (!httpGet) return;
  if (!httpGet.path) errors.required(`${at}.path`);
  validatePortNumberOrName(httpGet.port, `${at}.port`, errors);
  checkOneOf(`${at}.scheme`, httpGet.scheme ?? '', ['HTTP', 'HTTPS'], errors);
  for (const { name = '' } of httpGet.httpHeaders ?? []) {
    if (headerName.test(name)) continue;
    const why =
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
    errors.invalid(`${at}.httpHeaders`, name, why);
  }
}

/** Exactly one way to ask the container; the first that is given is looked at. */
function validateHandler(handler: Handler, grace: number | undefined, at: string, errors: FieldErrors): void {
  let count = 0;
  const isFirst = (name: string) => {
    if (++count > 1) errors.forbidden(`${at}.${name}`, 'may not specify more than 1 handler type');
    return count === 1;
  };
  if (handler.exec && isFirst('exec') && !handler.exec.command?.length) errors.required(`${at}.exec.command`);
  if (handler.httpGet && isFirst('httpGet')) validateHttpGet(handler, `${at}.httpGet`, errors);
  if (handler.tcpSocket && isFirst('tcpSocket')) {
    validatePortNumberOrName(handler.tcpSocket.port, `${at}.tcpSocket.port`, errors);
  }
  if (handler.grpc && isFirst('grpc')) checkPort(`${at}.grpc.port`, handler.grpc.port, errors);
  if (handler.sleep && isFirst('sleep')) {
    const { seconds = 0 } = handler.sleep;
    if (grace !== undefined && (seconds < 0 || seconds > grace)) {
      const why = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
      errors.invalid(`${at}.sleep`, seconds, why);
    }
  }
  if (count === 0) errors.required(at, 'must specify a handler type');
}

export function validateLifecycle(
  lifecycle: Container['lifecycle'],
  grace: number,
  at: string,
  errors: FieldErrors,
): void {
  if (!lifecycle) return;
  if (lifecycle.postStart) validateHandler(lifecycle.postStart, grace, `${at}.postStart`, errors);
  if (lifecycle.preStop) validateHandler(lifecycle.preStop, grace, `${at}.preStop`, errors);
}

function validateProbe(probe: Probe, at: string, errors: FieldErrors): void {
  validateHandler(probe, undefined, at, errors);
  checkNonNegative(`${at}.initialDelaySeconds`, probe.initialDelaySeconds, errors);
  checkNonNegative(`${at}.timeoutSeconds`, probe.timeoutSeconds, errors);
  checkNonNegative(`${at}.periodSeconds`, probe.periodSeconds, errors);
  checkNonNegative(`${at}.successThreshold`, probe.successThreshold, errors);
  checkNonNegative(`${at}.failureThreshold`, probe.failureThreshold, errors);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0');
  }
}

function validateStrictProbe(probe: Probe | undefined, at: string, errors: FieldErrors): void {
  if (!probe) return;
  validateProbe(probe, at, errors);
  if (probe.successThreshold !== 1) errors.invalid(`${at}.successThreshold`, probe.successThreshold ?? 0, 'must be 1');
}

export function validateProbes(container: Container, at: string, errors: FieldErrors): void {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  validateStrictProbe(livenessProbe, `${at}.livenessProbe`, errors);
  if (readinessProbe) {
    validateProbe(readinessProbe, `${at}.readinessProbe`, errors);
    const grace = readinessProbe.terminationGracePeriodSeconds;
    if (grace !== undefined) {
      const field = `${at}.readinessProbe.terminationGracePeriodSeconds`;
      errors.invalid(field, grace, 'must not be set for readinessProbes');
    }
  }
  validateStrictProbe(startupProbe, `${at}.startupProbe`, errors);
}
