// The smallest server of a tutorial: rooms, a broadcast, an ack that proves that acks work.
import { serve } from "./serving.js";

serve((io) => {
  io.on("connection", (socket) => {
    socket.on("join", (room) => {
      socket.join(room);
      socket.emit("joined", room);
    });
    socket.on("message", ({ room, text }) => {
      io.to(room).emit("message", { from: socket.id, text });
    });
    socket.on("ping-ack", (msg, ack) => ack({ ok: true, received: msg }));
  });
});
