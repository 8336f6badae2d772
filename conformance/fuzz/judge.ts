import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { isObject, type Json } from '../twin/json.ts';
import { decodeProtobuf } from '../twin/protobuf.ts';
import type { Answer } from './exchange.ts';
import { type FuzzRequest, wellFormed } from './request.ts';

/** Answers of 500 and more that the real server gives to the same request. */
const meant: readonly { readonly why: string; readonly status: number; readonly body: RegExp }[] = [
  { why: 'a get at no version', status: 500, body: /["']resourceVersion: Invalid value/ },
  { why: 'what is applied has not the shape of its kind', status: 500, body: /failed to create typed patch object/ },
  {
    why: 'bytes applied that are not in base64, and times that are none',
    status: 500,
    body: /unable to convert unstructured object to .*(illegal base64|parsing time)/,
  },
  { why: 'a binding that names nothing', status: 500, body: /"message":\s*"(target|metadata)\.[a-zA-Z.]*: / },
  {
    why: 'a directive that is none',
    status: 500,
    body: /unknown patch type: |"expected a (\[\]|map\[string\])interface \{\}, but received a |unable to find api field in struct /,
  },
  {
    why: 'a directive where none can be followed',
    status: 500,
    body: /merging an object in json but data type is not struct|expected slice or array type, but got: struct|no elements in any of the given slices|merging lists cannot yet be specified|cannot merge lists without merge key/,
  },
  {
    why: 'lists in a patch that cannot be merged',
    status: 500,
    body: /list element types are not identical|lists of lists are not supported|value for key \d+ is not a map|does not contain declared merge key|The order in patch list/,
  },
  { why: 'a resource version that has not come yet', status: 504, body: /Too large resource version/ },
  { why: 'the kubelet of a node that is no machine', status: 500, body: /no preferred addresses found/ },
  { why: 'the kubelet of a node that does not answer', status: 500, body: /error dialing backend/ },
  { why: 'a service without endpoints or ports', status: 503, body: /no (endpoints available|service port)/ },
  { why: 'a pod or service that does not answer', status: 503, body: /error trying to reach service/ },
];

/** What is wrong with an answer; `undefined`: nothing. */
export function judge(request: FuzzRequest, answer: Answer): string | undefined {
  const { status, body, broken } = answer;
  if (broken === 'timeout') return 'no answer in time';
  if (broken === 'refused') return 'the server takes no connection';
  if (broken !== undefined) return wellFormed(request) ? `no answer: ${broken}` : undefined;
  if (status < 100 || status > 599) return `an answer of ${status}`;
  const text = () => body.toString('utf8');
  if (status >= 500) {
    // What is behind a proxy cannot be told without a body.
    if (request.method === 'HEAD' && /\/(proxy|log|exec|attach|portforward)\b|resourceVersion=/.test(request.target))
      return undefined;
    if (meant.some((each) => each.status === status && each.body.test(text()))) return undefined;
    // A method that HTTP does not have.
    if (status === 501 && !wellFormed(request)) return undefined;
    return `an answer of ${status}: ${text().slice(0, 300)}`;
  }
  if (request.method === 'HEAD' || answer.stream) return undefined;
  const plain = unpacked(answer);
  if (plain === undefined) return `${status} cannot be unpacked`;
  if (status >= 400) return wrongRefusal(request, plain);
  return wrongSuccess(plain);
}

/** Long answers are packed for whoever takes that. */
function unpacked(answer: Answer): Answer | undefined {
  if (answer.headers['content-encoding'] !== 'gzip' || answer.body.length === 0) return answer;
  try {
    return { ...answer, body: gunzipSync(answer.body, { maxOutputLength: 256 * 1024 * 1024 }) };
  } catch {
    return undefined;
  }
}

/** What says in plain text what is wrong, in Kubernetes too: what is no API, and what is no HTTP. */
function isPlain(request: FuzzRequest, { status, headers, body }: Answer): boolean {
  if (!(headers['content-type'] ?? 'text/plain').startsWith('text/plain')) return false;
  const text = body.toString('utf8');
  if (status === 404) return text === '404 page not found\n' || text === '';
  if (status === 406) return /^\/openapi\/v[23]/.test(request.target);
  // Refused by the reader of HTTP, before anything knows what it is.
  if (!wellFormed(request)) return [400, 405, 408, 413, 414, 417, 431].includes(status);
  return false;
}

function wrongRefusal(request: FuzzRequest, answer: Answer): string | undefined {
  if (isPlain(request, answer)) return undefined;
  // Refusals of a handshake (RFC 6455, 4.4) have no body.
  const upgrades = request.headers.some(([name]) => name.toLowerCase() === 'upgrade');
  if (upgrades && (answer.status === 400 || answer.status === 403 || answer.status === 426)) return undefined;
  const say = (why: string) => `${answer.status} ${why}: ${answer.body.toString('utf8').slice(0, 300)}`;
  let status: Json;
  try {
    status = parsed(answer);
  } catch (error) {
    return say(`cannot be read (${String(error).slice(0, 100)})`);
  }
  if (!isObject(status) || status['kind'] !== 'Status' || status['apiVersion'] !== 'v1') return say('is no Status');
  if (status['status'] !== 'Failure') return say('is no Failure');
  if (status['code'] !== answer.status) return say('has another code');
  if (typeof status['reason'] !== 'string' || status['reason'] === '') return say('has no reason');
  return undefined;
}

function wrongSuccess(answer: Answer): string | undefined {
  const type = answer.headers['content-type'] ?? '';
  if (!/json|yaml|kubernetes\.protobuf$/.test(type)) return undefined;
  if (answer.status === 204 || answer.status === 304 || answer.status === 101 || answer.status < 200) return undefined;
  try {
    parsed(answer);
    return undefined;
  } catch (error) {
    return `${answer.status} cannot be read: ${String(error).slice(0, 200)}: ${answer.body.toString('utf8').slice(0, 300)}`;
  }
}

function parsed({ headers, body }: Answer): Json {
  const type = headers['content-type'] ?? '';
  if (type.includes('protobuf')) return decodeProtobuf(body);
  if (type.includes('yaml')) {
    const value: Json = parse(body.toString('utf8'), { version: '1.1', maxAliasCount: 0 });
    return value;
  }
  try {
    const value: Json = JSON.parse(body.toString('utf8'));
    return value;
  } catch (error) {
    // Of a refusal only that it is none matters.
    if (answerIsText(type)) return body.toString('utf8');
    throw error;
  }
}

const answerIsText = (type: string) => !type.includes('json');
