import { StatusError } from '@keelson/core';

const logNumbers = ['tailLines', 'limitBytes', 'sinceSeconds'];
const logOptions = ['follow', 'previous', 'sinceTime', 'timestamps', 'stream', ...logNumbers];

/** The kubelet's path for the log of a container. Throws 400 or 422 for options that make no sense. */
export function logPath(namespace: string, pod: string, container: string, query: URLSearchParams): string {
  const invalid = (type: 'FieldValueInvalid' | 'FieldValueForbidden', field: string, message: string) =>
    StatusError.invalid({ group: '', resource: 'PodLogOptions' }, pod, [{ type, field, message }]);
  for (const name of logNumbers) {
    const text = query.get(name);
    if (text === null || text === '') continue;
    if (!/^[+-]?\d+$/.test(text)) {
      throw StatusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    const least = name === 'tailLines' ? 0 : 1;
    if (Number(text) >= least) continue;
    const rule = least === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0';
    throw invalid('FieldValueInvalid', name, `Invalid value: ${Number(text)}: ${rule}`);
  }
  if (query.get('sinceTime') && query.get('sinceSeconds')) {
    throw invalid(
      'FieldValueForbidden',
      '[]',
      'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    );
  }
  return withQuery(`/containerLogs/${encode(namespace, pod, container)}`, pickQuery(query, logOptions));
}

/** The kubelet's path for exec, attach and port-forward. */
export function streamPath(
  kind: 'exec' | 'attach' | 'portforward',
  namespace: string,
  pod: string,
  container: string | undefined,
  query: URLSearchParams,
): string {
  if (kind === 'portforward')
    return withQuery(`/portForward/${encode(namespace, pod)}`, pickQuery(query, ['port', 'ports']));
  const passed = new URLSearchParams();
  // The kubelet knows these by other names than the API.
  for (const [name, kubelet] of [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
    ['tty', 'tty'],
  ] as const) {
    const value = query.get(name);
    if (value !== null && value !== 'false' && value !== '0') passed.append(kubelet, '1');
  }
  if (kind === 'exec') for (const each of query.getAll('command')) passed.append('command', each);
  return withQuery(`/${kind}/${encode(namespace, pod, container ?? '')}`, passed);
}

const encode = (...parts: readonly string[]) => parts.map(encodeURIComponent).join('/');

function pickQuery(query: URLSearchParams, names: readonly string[]): URLSearchParams {
  return new URLSearchParams([...query].filter(([name, value]) => names.includes(name) && value !== ''));
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
