/** What a request takes of the server while it is handled, and after. */
export interface WorkEstimate {
  readonly initialSeats: number;
  /** Held for `additionalMs` after the answer, for the events that a write sends to watches. */
  readonly finalSeats: number;
  readonly additionalMs: number;
}

/** What is known of a resource's objects; `bytes` of all of them together, as they are stored. */
export interface ObjectStatistics {
  readonly count: number;
  readonly bytes: number;
}

export const oneSeat: WorkEstimate = { initialSeats: 1, finalSeats: 0, additionalMs: 0 };

const bytesPerSeat = 100_000;
const watchesPerSeat = 10;
const msPerSeatOfEvents = 5;
const mostSeatsOfList = 100;
const mostSeatsOfWrite = 10;
/** No request may take more of its level than this. */
const largestPart = 0.15;

/** How many seats one request of a level may take. `nominal`: of the level. */
export const mostSeats = (nominal: number, write: boolean): number =>
  Math.max(1, Math.min(write ? mostSeatsOfWrite : mostSeatsOfList, Math.ceil(nominal * largestPart)));

export interface ListQuery {
  /** 0: no limit; undefined: the query could not be read. */
  readonly limit: number | undefined;
}

/** Of a LIST, or of a WATCH that begins with what there is: a seat for every 100 kB that are read for it. */
export function listEstimate({ limit }: ListQuery, stored: ObjectStatistics | undefined, most: number): WorkEstimate {
  // As Kubernetes: what cannot be read is taken for the worst.
  if (limit === undefined) return seats(most);
  if (!stored || stored.count === 0) return oneSeat;
  const read = limit > 0 ? Math.min(limit, stored.count) : stored.count;
  const wanted = Math.ceil((read * (stored.bytes / stored.count)) / bytesPerSeat);
  return wanted <= 1 ? oneSeat : seats(Math.min(wanted, most));
}

/** Of a write: the events for those who watch come after the answer. */
export function writeEstimate(watches: number, most: number): WorkEstimate {
  if (watches < watchesPerSeat) return oneSeat;
  const wanted = Math.ceil(watches / watchesPerSeat);
  const finalSeats = Math.min(wanted, most);
  return { initialSeats: 1, finalSeats, additionalMs: (wanted * msPerSeatOfEvents) / finalSeats };
}

const seats = (initialSeats: number): WorkEstimate => ({ initialSeats, finalSeats: 0, additionalMs: 0 });
