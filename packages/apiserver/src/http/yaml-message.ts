import type { YAMLParseError } from 'yaml';

/**
 * What is wrong with a YAML text in the words that clients of Kubernetes know, for the mistakes that people make. A
 * line is told where it is not the first; of what ends too early, the line after the last.
 */
export function yamlMessage({ code, message, pos }: YAMLParseError, text: string): string {
  const reason = message.split('\n')[0] ?? '';
  const lineAt = (at: number) => text.slice(0, at).split('\n').length;
  const scanned = (at: number, why: string) => (lineAt(at) === 1 ? why : `line ${lineAt(at)}: ${why}`);
  switch (code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY': {
      if (text.startsWith('- ', pos[0])) return `line ${lineAt(pos[0]) - 1}: did not find expected key`;
      const colon = text.slice(pos[1]).search(/:(\s|$)/);
      const at = code === 'MULTILINE_IMPLICIT_KEY' || colon < 0 ? pos[1] : pos[1] + colon;
      return scanned(at, 'mapping values are not allowed in this context');
    }
    case 'BAD_SCALAR_START':
    case 'TAB_AS_INDENT':
      return scanned(pos[0], 'found character that cannot start any token');
    case 'BAD_DQ_ESCAPE':
      return scanned(pos[0], 'found unknown escape character');
    case 'BAD_INDENT':
    case 'MISSING_CHAR': {
      if (/quote/.test(reason)) return scanned(text.length, 'found unexpected end of stream');
      const flow = /^Flow (map|sequence) .*end with a (.)/.exec(reason);
      if (!flow) break;
      const lines = text.trimEnd().split('\n').length;
      const empty = /[{[,:]$/.test(text.trimEnd());
      return `line ${lines}: ${empty ? 'did not find expected node content' : `did not find expected ',' or '${flow[2]}'`}`;
    }
    case 'UNEXPECTED_TOKEN':
      if (/^Unexpected (flow-|,)/.test(reason)) return scanned(pos[0], 'did not find expected node content');
      if (/^Block scalar header/.test(reason)) return scanned(pos[0], 'did not find expected comment or line break');
      break;
    default:
  }
  return `line ${lineAt(pos[0])}: ${reason}`;
}
