import { validateDnsSubdomain } from '@keelson/core';
import { type FieldErrors, goQuote } from '../../strategy.ts';

interface ClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly path?: string;
    readonly port?: number;
  };
}

/** Where a webhook is called: exactly one of a URL and a Service. */
export function checkClientConfig(config: ClientConfig | undefined, at: string, errors: FieldErrors): void {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined)) {
    errors.required(at, 'exactly one of url or service is required');
    if (url === undefined) return;
    return;
  }
  if (url !== undefined) checkUrl(url, `${at}.url`, errors);
  else checkService(service ?? {}, `${at}.service`, errors);
}

const form = '; desired format: https://host[/path]';

function checkUrl(url: string, at: string, errors: FieldErrors): void {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1];
  if (scheme === undefined && url.includes(':') && !url.startsWith('/')) {
    errors.required(at, `url must be a valid URL: parse ${goQuote(url)}: missing protocol scheme${form}`);
    return;
  }
  const [, , authority = '', , query = '', fragment = ''] =
    /^([A-Za-z][A-Za-z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(url) ?? [];
  if (scheme !== 'https') errors.invalid(at, scheme ?? '', `'https' is the only allowed URL scheme${form}`);
  const user = authority.lastIndexOf('@');
  if (authority.slice(user + 1) === '') errors.invalid(at, '', `host must be specified${form}`);
  if (user >= 0) errors.invalid(at, authority.slice(0, user), 'user information is not permitted in the URL');
  if (fragment !== '') errors.invalid(at, fragment, 'fragments are not permitted in the URL');
  if (query !== '') errors.invalid(at, query, 'query parameters are not permitted in the URL');
}

function checkService(service: NonNullable<ClientConfig['service']>, at: string, errors: FieldErrors): void {
  const { name = '', namespace = '', path, port } = service;
  // Kubernetes names each of the two when the other is missing.
  if (namespace === '') errors.required(`${at}.name`);
  if (name === '') errors.required(`${at}.namespace`);
  if (port !== undefined && (port < 1 || port > 65535)) {
    errors.invalid(`${at}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive');
  }
  if (path) checkPath(path, `${at}.path`, errors);
}

function checkPath(path: string, at: string, errors: FieldErrors): void {
  if (!path.startsWith('/')) errors.invalid(at, path, "must start with a '/'");
  const rest = path.slice(1);
  if (path === '/') return;
  const steps = (rest.endsWith('/') ? rest.slice(0, -1) : rest).split('/');
  for (const [index, step] of steps.entries()) {
    if (step === '') {
      errors.invalid(at, path, `segment[${index}] may not be empty`);
      return;
    }
    for (const each of validateDnsSubdomain(step)) errors.invalid(at, path, `segment[${index}]: ${each}`);
  }
}
