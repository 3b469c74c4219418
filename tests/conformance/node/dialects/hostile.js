// Speaks like basic.js until it is told otherwise: what is said decides what is done wrong.
// With settings: {"refuse": words} refuses everybody, {"forbid": true} in HTTP already.
import { serve } from "./serving.js";

const settings = JSON.parse(process.argv[3] ?? "{}");
const wrong = {
  bytes: (io, room) => io.to(room).emit("message", { from: "x", text: Buffer.alloc(1000) }),
  "many bytes": (io, room) =>
    io.to(room).emit("picture", Array.from({ length: 50 }, () => Buffer.alloc(10_000))),
  huge: (io, room) => io.to(room).emit("message", { from: "x", text: "x".repeat(50_000_000) }),
  long: (io, room) => io.to(room).emit("message", { from: "x", text: "y".repeat(1_000_000) }),
  deep: (io, room) => {
    let value = "x";
    for (let n = 0; n < 500; n++) value = [value];
    io.to(room).emit("message", value);
  },
  flood: (io, room) => {
    for (let n = 0; n < 3000; n++) io.to(room).emit("message", { from: `x${n}`, text: n });
  },
  names: (io, room) => io.to(room).emit("disconnect\u001b[2J", {}),
  leave: (io, room) => io.in(room).disconnectSockets(),
};

serve(
  (io) => {
    if (settings.refuse) io.use((socket, next) => next(new Error(settings.refuse)));
    io.on("connection", (socket) => {
      socket.on("join", (room) => {
        socket.join(room);
        socket.emit("joined", room);
      });
      socket.on("message", ({ room, text }) => {
        io.to(room).emit("message", { from: socket.id, text });
        wrong[text]?.(io, room);
      });
      socket.on("ping-ack", (msg, ack) => ack({ ok: true, received: msg }));
    });
  },
  settings.forbid ? { allowRequest: (request, answer) => answer("no", false) } : {},
);
