import { deepEqual, VolumeAttachment, validateDnsSubdomain } from '@keelson/core';
import { type FieldErrors, strategyFor } from '../../strategy.ts';
import { checkRange } from '../checks.ts';
import { goValue } from '../go-value.ts';
import { defaultSource } from '../persistent-volume.ts';
import { resetMetadata } from '../reset-metadata.ts';
import { checkDriverName } from './csi.ts';

type Status = NonNullable<VolumeAttachment['status']>;

const mostBytes = 256 * 1024;

function checkSpec(spec: VolumeAttachment['spec'], errors: FieldErrors): void {
  const { attacher = '', source, nodeName = '' } = spec;
  if (attacher === '') errors.required('spec.attacher');
  checkSource(source, errors);
  errors.rule('spec.nodeName', nodeName, validateDnsSubdomain(nodeName));
}

function checkSource(source: VolumeAttachment['spec']['source'] | undefined, errors: FieldErrors): void {
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source ?? {};
  if (!inline && name === undefined) {
    errors.required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
    return;
  }
  if (inline && name !== undefined) {
    errors.forbidden('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
    return;
  }
  if (name === '') {
    errors.required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName');
  }
  if (!inline) return;
  const at = 'spec.source.inlineVolumeSpec';
  if (inline.capacity) errors.forbidden(`${at}.capacity`, 'may not be specified in the context of inline volumes');
  if (!inline.csi) errors.required(`${at}.csi`, 'has to be specified in the context of inline volumes');
  if (!inline.accessModes?.length) errors.required(`${at}.accessModes`);
}

function checkStatus({ attachmentMetadata, attachError, detachError }: Status, errors: FieldErrors): void {
  let size = 0;
  for (const [key, value] of Object.entries(attachmentMetadata ?? {})) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > mostBytes) errors.tooLong('status.attachmentMetadata', mostBytes);
  for (const [field, error] of [
    ['attachError', attachError],
    ['detachError', detachError],
  ] as const) {
    if (!error) continue;
    if ((error.message ?? '').length > mostBytes) errors.tooLong(`status.${field}.message`, mostBytes);
    if (error.errorCode !== undefined) checkRange(`status.${field}.errorCode`, error.errorCode, 0, 2147483647, errors);
  }
}

export const volumeAttachment = strategyFor(VolumeAttachment, {
  unconditionalUpdate: false,
  defaults({ spec }) {
    const inline = spec?.source?.inlineVolumeSpec;
    if (inline) defaultSource(inline);
  },
  validate({ spec }, errors, old) {
    checkSpec(spec, errors);
    if (old) return;
    checkDriverName(spec.attacher ?? '', 'spec.attacher', errors);
    const name = spec.source?.persistentVolumeName;
    if (name !== undefined) errors.rule('spec.source.persistentVolumeName', name, validateDnsSubdomain(name));
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (!deepEqual(spec, old)) {
      errors.invalid('spec', goValue('io.k8s.api.storage.v1.VolumeAttachmentSpec', spec), 'field is immutable');
    }
  },
  prepareStatusUpdate: (object, old) => resetMetadata(object, old),
  validateStatusUpdate({ status }, _old, errors) {
    if (status) checkStatus(status, errors);
  },
});
