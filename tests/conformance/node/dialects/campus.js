// The server of the second example of docs/dialects.md: it wants everything that a dialect can say.
import { randomUUID } from "node:crypto";
import { serve } from "./serving.js";

const sessions = new Map(); // id -> nick
const events = []; // of all rooms, in order
const whispers = new Set(); // ids of messages to one person
const people = new Map(); // connection -> {id, "full name"}

serve(
  (io) => {
    const v2 = io.of("/v2");
    v2.on("connection", (socket) => {
      const { auth, headers } = socket.handshake;
      const tell = (what) => console.log(JSON.stringify({ heard: "handshake", args: [what] }));
      tell({ auth, client: headers["x-client"], cookie: headers.cookie ?? null });
      socket.onAny((name, ...args) => console.log(JSON.stringify({ heard: name, args })));
      let me;

      socket.on("hello", ({ nick }) => {
        if (nick === "mallory") return socket.emit("go away", { message: "not you" });
        const resume = sessions.has(auth.resume) ? auth.resume : randomUUID();
        sessions.set(resume, nick);
        me = { id: nick, "full name": `${nick} of the campus` };
        people.set(socket.id, me);
        socket.emit("welcome", { resume, motd: `welcome ${nick}` });
      });
      socket.on("enter", ({ room }, ack) => {
        socket.join(room);
        ack({ ok: true });
        const theirs = events.filter((event) => event.room === room).slice(-20);
        socket.emit("backlog", { room, events: theirs });
        const there = [...people].filter(([id]) => v2.adapter.rooms.get(room)?.has(id));
        v2.to(room).emit("roster", room, there.map(([, person]) => person));
        socket.to(room).emit("event", { type: "entered", room, by: me });
      });
      socket.on("exit", ({ room }) => socket.leave(room));
      socket.on("say", ({ room, body, nonce }, ack) => {
        if (body === "oops") return socket.emit("oops", { reason: "the campus is closed" });
        let event = events.find((known) => known.nonce === nonce);
        if (!event) {
          event = { type: "said", id: randomUUID(), room, by: me, body, nonce, at: Date.now() };
          events.push(event);
          v2.to(room).emit("event", event);
        }
        ack({ id: event.id, at: event.at });
      });
      socket.on("whisper", ({ to, body, nonce }, ack) => {
        const [found] = [...people].find(([, person]) => person.id === to) ?? [];
        if (!found) return ack({ error: "nobody is called so" });
        if (!whispers.has(nonce)) {
          whispers.add(nonce);
          v2.to(found).emit("whisper", { id: nonce, by: me, body });
        }
        ack({ id: nonce });
      });
      socket.on("writes", (room, on) => socket.to(room).emit("writes", room, me.id, on));
      socket.on("time", (ack) => ack(Date.now()));
      socket.on("disconnect", () => people.delete(socket.id));
    });
  },
  { path: "/ws" },
);
