import type { JSONSchemaProps } from '@keelson/core';
import type { FieldErrors } from '../registry/strategy.ts';
import { schemaAt } from './schema-path.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const hasBreak = (text: string) => /[\r\n]/.test(text);
const single = 'must not contain line breaks';
const given = 'must be non-empty if specified';

/** What is wrong with `x-kubernetes-validations` but for the expressions themselves; paths only of what is structural. */
export function checkRules(schema: JSONSchemaProps, at: string, structural: boolean, errors: FieldErrors): void {
  schema['x-kubernetes-validations']?.forEach((each, index) => {
    const here = `${at}.x-kubernetes-validations[${index}]`;
    const { message = '', messageExpression = '', reason, fieldPath = '' } = each;
    const rule = (each.rule ?? '').trim();
    if (rule === '') errors.required(`${here}.rule`, 'rule is not specified');
    else if (message !== '' && message.trim() === '') errors.invalid(`${here}.message`, message, given);
    else if (hasBreak(message.trim())) errors.invalid(`${here}.message`, message, single);
    else if (message === '' && hasBreak(rule)) {
      errors.required(`${here}.message`, 'message must be specified if rule contains line breaks');
    }
    if (messageExpression !== '' && messageExpression.trim() === '') {
      errors.required(`${here}.messageExpression`, 'messageExpression must be non-empty if specified');
    }
    if (reason !== undefined && !reasons.includes(reason)) errors.notSupported(`${here}.reason`, reason, reasons);
    if (fieldPath !== '') checkFieldPath(structural ? schema : undefined, fieldPath, `${here}.fieldPath`, errors);
  });
}

function checkFieldPath(schema: JSONSchemaProps | undefined, path: string, at: string, errors: FieldErrors): void {
  if (path.trim() === '') errors.invalid(at, path, given);
  if (hasBreak(path)) errors.invalid(at, path, single);
  if (schema && !schemaAt(schema, path)) errors.invalid(at, path, 'must be a valid path');
}
