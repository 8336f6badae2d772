import { Socket } from 'node:net';

/**
 * Runs something that opens no connections meanwhile, whatever it calls: what an operator of production does to the
 * world outside is not to be done again.
 */
export async function keptInside<R>(act: () => Promise<R>): Promise<R> {
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function refused(this: Socket) {
    const why = 'a replay reaches nothing outside of the simulation (--reach-out lets it)';
    return this.destroy(new Error(why));
  };
  try {
    return await act();
  } finally {
    Socket.prototype.connect = connect;
  }
}
