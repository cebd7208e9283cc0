// What tests have a browser do: publish its made-up camera and microphone by WHIP.

window.publish = async ({ url, token, codec }) => {
  const connection = new RTCPeerConnection();
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
  for (const track of media.getTracks()) {
    const transceiver = connection.addTransceiver(track, { direction: "sendonly", streams: [media] });
    if (track.kind === "video" && codec) {
      const { codecs } = RTCRtpSender.getCapabilities("video");
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === `video/${codec}`));
    }
  }
  await connection.setLocalDescription();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
  const answer = await fetch(url, { method: "POST", headers, body: connection.localDescription.sdp });
  if (answer.status !== 201) throw new Error(await answer.text());
  const sdp = await answer.text();
  await connection.setRemoteDescription({ type: "answer", sdp });
  window.published = { connection, token, sdp, session: answer.headers.get("Location"), media };
};

window.state = () => window.published.connection.connectionState;

// RFC 9725 section 4.3.3: new credentials go there in a fragment, and the answer's into the description that there is.
window.restartIce = async () => {
  const { connection, session, token, sdp } = window.published;
  connection.restartIce();
  await connection.setLocalDescription();
  const lines = connection.localDescription.sdp.split("\r\n").filter((line) => /^a=ice-(ufrag|pwd):/.test(line));
  const headers = {
    Authorization: `Bearer ${token}`,
    "Content-Type": "application/trickle-ice-sdpfrag",
    "If-Match": "*",
  };
  const answer = await fetch(session, { method: "PATCH", headers, body: `${lines.slice(0, 2).join("\r\n")}\r\n` });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  const fragment = await answer.text();
  const ofIce = (line) => /^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)/.test(line);
  const fresh = fragment.split("\r\n").filter(ofIce);
  const kept = sdp.split("\r\n").filter((line) => !ofIce(line));
  const renewed = kept.flatMap((line) => (line === "a=rtcp-mux" ? [line, ...fresh] : [line])).join("\r\n");
  await connection.setRemoteDescription({ type: "answer", sdp: renewed });
};

// The local and the remote port of the way that media takes.
window.ports = async () => {
  const stats = [...(await window.published.connection.getStats()).values()];
  const transport = stats.find(({ type }) => type === "transport");
  const pair = stats.find(({ id }) => id === transport?.selectedCandidatePairId);
  const port = (id) => stats.find((each) => each.id === id)?.port;
  return pair ? [port(pair.localCandidateId), port(pair.remoteCandidateId)] : [];
};

window.targetBitrate = async () => {
  const stats = [...(await window.published.connection.getStats()).values()];
  return stats.find(({ type, kind }) => type === "outbound-rtp" && kind === "video")?.targetBitrate ?? 0;
};

window.hangUp = () => {
  const { connection, media } = window.published;
  connection.close();
  for (const track of media.getTracks()) track.stop();
};

window.framesSent = async () => {
  const stats = [...(await window.published.connection.getStats()).values()];
  return stats.find(({ type, kind }) => type === "outbound-rtp" && kind === "video")?.framesSent ?? 0;
};
