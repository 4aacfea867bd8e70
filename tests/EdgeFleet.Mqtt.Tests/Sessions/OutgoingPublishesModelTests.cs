using EdgeFleet.Mqtt.Sessions;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>
/// Random lives of a sender's session state against a model of what a broker sees: whatever the order of calls, links, lost
/// sessions and acknowledgements, the wire shows what MQTT 5 wants of it (4.1, 4.3.2, 4.4, 4.9).
/// </summary>
public sealed class OutgoingPublishesModelTests
{
    private enum Act
    {
        Publish,
        GiveUp,
        Acknowledge,
        AcknowledgeWhatWasSentOnAnEarlierLink,
        AcknowledgeStranger,
        Reconnect,
        ReconnectForgotten,
    }

    private static readonly Gen<(Act Act, int Number)[]> s_lives =
        (from act in Gen.Frequency(
            (8, Gen.Constant(Act.Publish)), (2, Gen.Constant(Act.GiveUp)), (6, Gen.Constant(Act.Acknowledge)),
            (1, Gen.Constant(Act.AcknowledgeWhatWasSentOnAnEarlierLink)), (1, Gen.Constant(Act.AcknowledgeStranger)), (1, Gen.Constant(Act.Reconnect)), (1, Gen.Constant(Act.ReconnectForgotten)))
         from number in Gen.Choose(0, 1000)
         select (act, number)).ArrayOf(120);

    [Fact]
    public void Ids_order_marks_and_windows_are_right_in_any_life() =>
        Prop.ForAll(s_lives.ToArbitrary(), life =>
        {
            Bench bench = new(maximumPending: 25);
            foreach ((Act act, int number) in life)
            {
                bench.Do(act, number);
            }
            bench.FinishAndCheckThatNothingIsLost();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(250));

    /// <summary>The state under test, the owner's promises and the broker's view.</summary>
    private sealed class Bench
    {
        private readonly PacketIds _ids = new();
        private readonly OutgoingPublishes _outgoing;
        private readonly int _maximumPending;
        private readonly List<PendingPublish> _wanted = []; // neither given up nor acknowledged, in order of the calls
        private readonly HashSet<PendingPublish> _givenUpInFlight = [];
        private readonly Dictionary<ushort, PendingPublish> _atBroker = []; // sent on the session that the broker has, unacknowledged
        private readonly List<PendingPublish> _onLink = []; // sent on this link, unacknowledged
        private long _link;
        private long _lastSequence;
        private int _window;
        private List<PendingPublish> _mustComeFirst = [];

        public Bench(int maximumPending)
        {
            _maximumPending = maximumPending;
            _outgoing = new OutgoingPublishes(_ids, maximumPending);
            // So that ids begin again at 1 in the middle of a life, when later messages get smaller ones.
            for (int i = 0; i < ushort.MaxValue - 20; i++)
            {
                _ids.Release(_ids.Take());
            }
            Connect(sessionPresent: false, window: 3);
        }

        public void Do(Act act, int number)
        {
            switch (act)
            {
                case Act.Publish:
                    bool room = _wanted.Count + _givenUpInFlight.Count < _maximumPending;
                    PendingPublish? added = _outgoing.Add(new MqttMessage { Topic = "t" });
                    Assert.Equal(room, added is not null);
                    if (added is not null)
                    {
                        _wanted.Add(added);
                    }
                    break;
                case Act.GiveUp when _wanted.Count > 0:
                    PendingPublish given = _wanted[number % _wanted.Count];
                    Assert.True(given.Cancel(new CancellationToken(true)));
                    _outgoing.Abandoned(given);
                    _wanted.Remove(given);
                    if (given.PacketId != 0)
                    {
                        _givenUpInFlight.Add(given);
                    }
                    break;
                case Act.Acknowledge when _onLink.Count > 0:
                    Acknowledge(_onLink[number % _onLink.Count]);
                    break;
                case Act.AcknowledgeWhatWasSentOnAnEarlierLink when _mustComeFirst.Count > 0:
                    Acknowledge(_mustComeFirst[number % _mustComeFirst.Count]);
                    break;
                case Act.AcknowledgeStranger:
                    ushort stranger = (ushort)(20_000 + number);
                    Assert.Null(_outgoing.Acknowledge(stranger));
                    break;
                case Act.Reconnect:
                    Connect(sessionPresent: true, window: 1 + (number % 6));
                    break;
                case Act.ReconnectForgotten:
                    Connect(sessionPresent: false, window: 1 + (number % 6));
                    break;
            }
            Pump();
            Assert.Equal(_wanted.Count + _givenUpInFlight.Count, _outgoing.Pending);
            Assert.Equal(_atBroker.Count, _outgoing.InFlight);
        }

        public void FinishAndCheckThatNothingIsLost()
        {
            Connect(sessionPresent: true, window: 4);
            Pump();
            while (_onLink.Count > 0)
            {
                Acknowledge(_onLink[^1]);
                Pump();
            }
            Assert.Empty(_wanted);
            Assert.Equal((0, 0), (_outgoing.Pending, _outgoing.InFlight));
            // Every id has been given back.
            HashSet<ushort> all = [.. Enumerable.Range(0, ushort.MaxValue).Select(_ => _ids.Take())];
            Assert.Equal(ushort.MaxValue, all.Count);
        }

        private void Connect(bool sessionPresent, int window)
        {
            if (!sessionPresent)
            {
                _atBroker.Clear();
                _givenUpInFlight.Clear();
            }
            _mustComeFirst = [.. _atBroker.Values.OrderBy(publish => publish.Sequence)];
            _onLink.Clear();
            _lastSequence = 0;
            _window = window;
            _outgoing.Begin(++_link, sessionPresent, window);
        }

        private void Pump()
        {
            while (_outgoing.TryTake(out PendingPublish publish, out bool duplicate))
            {
                Assert.True(_onLink.Count < _window, "more in flight than the broker takes");
                Assert.True(publish.Sequence > _lastSequence, "sent out of order");
                Assert.NotEqual(0, publish.PacketId);
                if (_mustComeFirst.Count > 0)
                {
                    Assert.Same(_mustComeFirst[0], publish);
                    _mustComeFirst.RemoveAt(0);
                }
                bool known = _atBroker.TryGetValue(publish.PacketId, out PendingPublish? held);
                Assert.True(!known || ReferenceEquals(held, publish), "two messages with one id");
                Assert.Equal(known, duplicate);
                Assert.True(known || !publish.IsAbandoned, "sent after it was given up");
                _atBroker[publish.PacketId] = publish;
                _onLink.Add(publish);
                _lastSequence = publish.Sequence;
            }
            bool more = _mustComeFirst.Count > 0 || _wanted.Any(publish => !_atBroker.ContainsValue(publish));
            Assert.True(!more || _onLink.Count == _window, "the broker would take more and there is more");
        }

        private void Acknowledge(PendingPublish publish)
        {
            Assert.Same(publish, _outgoing.Acknowledge(publish.PacketId));
            _onLink.Remove(publish);
            _mustComeFirst.Remove(publish);
            _atBroker.Remove(publish.PacketId);
            _wanted.Remove(publish);
            _givenUpInFlight.Remove(publish);
        }
    }
}
