import { deepEqual, Event, validatePathSegment, validateQualifiedName } from '@keelson/core';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { inGo } from './go-internal.ts';

const longestName = 128;
const longestMessage = 1024;

/** Objects that belong to no namespace have their events in `default`; what is not known may have them anywhere. */
function checkNamespace(event: Event, errors: FieldErrors): void {
  const { namespace = '' } = event.metadata;
  const about = event.involvedObject?.namespace ?? '';
  // The new form may tell of anything anywhere.
  if (event.eventTime && about !== '') return;
  if (about === '') {
    if (namespace !== 'default' && namespace !== 'kube-system') {
      errors.invalid('involvedObject.namespace', about, 'does not match event.namespace');
    }
  } else if (namespace !== about) errors.invalid('involvedObject.namespace', about, 'does not match event.namespace');
}

/** The long form: the strings are not shown, so that their values are empty in the finding. */
function checkLength(value: string, at: string, most: number, errors: FieldErrors): void {
  if (value.length > most) errors.invalid(at, '', `can have at most ${most} characters`);
}

/** Events of the new API are whole, and have nothing of the old one (KEP-383). */
function checkNewForm(event: Event, names: { readonly controller: string }, errors: FieldErrors): void {
  const { reportingComponent = '', reportingInstance = '', action = '', reason = '' } = event;
  if (reportingComponent === '') errors.required(names.controller);
  errors.rule(names.controller, reportingComponent, validateQualifiedName(reportingComponent));
  if (reportingInstance === '') errors.required('reportingInstance');
  checkLength(reportingInstance, 'reportingInstance', longestName, errors);
  if (action === '') errors.required('action');
  checkLength(action, 'action', longestName, errors);
  if (reason === '') errors.required('reason');
  checkLength(reason, 'reason', longestName, errors);
  checkLength(event.message ?? '', 'message', longestMessage, errors);
}

function checkNewEvent(event: Event, errors: FieldErrors): void {
  checkSeries(event, errors);
  if (!event.eventTime) errors.required('eventTime');
  checkUnset(event, errors);
}

function checkSeries({ series }: Event, errors: FieldErrors): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) errors.invalid('series.count', '', 'should be at least 2');
  if (!series.lastObservedTime) errors.required('series.lastObservedTime');
}

function checkUnset(event: Event, errors: FieldErrors): void {
  const { type = '' } = event;
  if (type !== 'Normal' && type !== 'Warning') errors.invalid('type', '', `has invalid value: ${type}`);
  const unset = (at: string) => errors.invalid(at, '', 'needs to be unset');
  if (event.firstTimestamp) unset('firstTimestamp');
  if (event.lastTimestamp) unset('lastTimestamp');
  if ((event.count ?? 0) !== 0) unset('count');
  if (event.source?.component || event.source?.host) unset('source');
}

/** Events of core/v1. */
const event = strategyFor(Event, {
  nameRule: validatePathSegment,
  createOnUpdate: true,
  withoutDependents: true,
  validate(object, errors) {
    checkNamespace(object, errors);
    if (object.eventTime) checkNewForm(object, { controller: 'reportingComponent' }, errors);
  },
});

const immutable = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  // Kubernetes looks twice, and says it twice.
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
] as const;

/** A field as the findings show it: null where Go has a pointer, and its structs with every field. */
function shown(field: (typeof immutable)[number], event: Event): unknown {
  const value: unknown = event[field];
  if (field === 'source') return inGo('EventSource', event.source ?? {});
  if (field === 'related') return inGo('ObjectReference', event.related);
  if (field === 'involvedObject') return inGo('ObjectReference', event.involvedObject ?? {});
  if (field === 'count') return value ?? 0;
  return value ?? (field.endsWith('Timestamp') || field === 'eventTime' ? null : '');
}

function checkImmutable(object: Event, old: Event, errors: FieldErrors): void {
  for (const field of immutable) {
    const [now, before] = [shown(field, object), shown(field, old)];
    if (deepEqual(now, before)) continue;
    const at = field === 'reportingComponent' ? 'reportingController' : field;
    errors.invalid(at, now, 'field is immutable');
  }
}

/** The same objects, written through events.k8s.io. */
const newEvent: NamedStrategy = {
  ...strategyFor(Event, {
    createOnUpdate: true,
    withoutDependents: true,
    validate(object, errors) {
      checkNamespace(object, errors);
      if (object.eventTime) checkNewForm(object, { controller: 'reportingController' }, errors);
    },
    validateCreate: checkNewEvent,
    validateUpdate(object, old, errors) {
      if (!deepEqual(object.series, old.series)) checkSeries(object, errors);
      checkImmutable(object, old, errors);
    },
  }),
  group: 'events.k8s.io',
};

export const eventStrategies: readonly NamedStrategy[] = [event, newEvent];
