using Microsoft.ML.Peft.Inference;
using static Microsoft.ML.Peft.Inference.ChatSpeaker;

namespace Microsoft.ML.Peft.Tests;

/// <summary>What conversations become in the formats of known models. The templates here are cut down to what tells them apart.</summary>
public sealed class ChatFormatsTests
{
    private static readonly ChatTurn[] Conversation =
        [new(ChatSpeaker.System, "Be brief."), new(User, " Hello! "), new(Assistant, "Good day."), new(User, "Who wrote {content}?")];

    public static TheoryData<string, string, string> Known => new()
    {
        {
            "ChatML", "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}",
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hello! <|im_end|>\n<|im_start|>assistant\nGood day.<|im_end|>\n" +
            "<|im_start|>user\nWho wrote {content}?<|im_end|>\n<|im_start|>assistant\n"
        },
        {
            "Llama 3", "{{ bos_token }}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}",
            "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello!<|eot_id|>" +
            "<|start_header_id|>assistant<|end_header_id|>\n\nGood day.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho wrote {content}?<|eot_id|>" +
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        },
        {
            "Gemma", "{{ bos_token }}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}",
            "<s><start_of_turn>user\nBe brief.\n\nHello!<end_of_turn>\n<start_of_turn>model\nGood day.<end_of_turn>\n" +
            "<start_of_turn>user\nWho wrote {content}?<end_of_turn>\n<start_of_turn>model\n"
        },
        {
            "Llama 2", "{{ bos_token + '[INST] ' + '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + content.strip() + ' [/INST]' }}{{ ' ' + content.strip() + ' ' + eos_token }}",
            "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello! [/INST] Good day. </s><s>[INST] Who wrote {content}? [/INST]"
        },
        {
            "Mistral", "{{ bos_token }}{{ '[INST] ' + message['content'] + ' [/INST]' }}{{ message['content'] + eos_token + ' ' }}",
            "<s>[INST] Be brief.\n\n Hello!  [/INST]Good day.</s> [INST] Who wrote {content}? [/INST]"
        },
        {
            "Mistral", "{{- bos_token }}{{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}{{- \" \" + message[\"content\"]|trim + eos_token }}",
            "<s>[INST] Be brief.\n\n Hello! [/INST] Good day.</s>[INST] Who wrote {content}?[/INST]"
        },
        {
            "Phi-3", "{% if message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{{ '<|assistant|>\n' }}",
            "<|system|>\nBe brief.<|end|>\n<|user|>\n Hello! <|end|>\n<|assistant|>\nGood day.<|end|>\n<|user|>\nWho wrote {content}?<|end|>\n<|assistant|>\n"
        },
        {
            "Phi-4", "{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}{{ '<|im_start|>assistant<|im_sep|>' }}",
            "<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|> Hello! <|im_end|><|im_start|>assistant<|im_sep|>Good day.<|im_end|>" +
            "<|im_start|>user<|im_sep|>Who wrote {content}?<|im_end|><|im_start|>assistant<|im_sep|>"
        },
        {
            "Zephyr", "{{ '<|user|>\n' + message['content'] + eos_token }}{{ '<|assistant|>' }}",
            "<|system|>\nBe brief.</s>\n<|user|>\n Hello! </s>\n<|assistant|>\nGood day.</s>\n<|user|>\nWho wrote {content}?</s>\n<|assistant|>\n"
        },
        { "plain", "{{ 'Human: ' + message['content'] }}", "Be brief.\n Hello! \nGood day.\nWho wrote {content}?\n" },
        { "plain", "{{'<|user|>' + message['content'] + '<|end|>'}}", "Be brief.\n Hello! \nGood day.\nWho wrote {content}?\n" },
    };

    [Theory]
    [MemberData(nameof(Known))]
    public void A_template_is_known_by_its_marks(string name, string template, string expected)
    {
        var format = ChatFormats.Recognize(template, "<s>", "</s>");
        Assert.Equal(name, format.Name);
        Assert.Equal(expected, format.Render(Conversation));
    }

    [Fact]
    public void A_model_without_a_template_reads_what_is_said_line_by_line() => Assert.Same(ChatFormats.Plain, ChatFormats.Recognize(null, "<s>", "</s>"));

    [Fact]
    public void The_templates_own_system_message_stands_where_none_is_given()
    {
        foreach (string lineBreak in new[] { "\n", "\\n" })
        {
            var format = ChatFormats.Recognize($"{{{{ '<|im_start|>system{lineBreak}You know trails.<|im_end|>{lineBreak}' }}}}", null, null);
            Assert.Equal("<|im_start|>system\nYou know trails.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", format.Render([new(User, "Hi")]));
            Assert.Equal("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", format.Render([new(ChatSpeaker.System, "Be brief."), new(User, "Hi")]));
        }
    }

    [Fact]
    public void An_adapters_own_template_is_its_format()
    {
        var format = ChatFormats.FromTemplate("Facts: {text}\nSentence:");
        Assert.Equal("Facts: Be brief.\n Hello! \nSentence:Good day.\nFacts: Who wrote {content}?\nSentence:", format.Render(Conversation));
        Assert.StartsWith("The model was trained to write on pairs", Assert.Throws<NotSupportedException>(() => ChatFormats.FromTemplate("{text}{second}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_conversation_without_a_user_is_refused()
    {
        foreach (var format in new[] { ChatFormats.Plain, ChatFormats.Recognize("<start_of_turn>", "", "") })
            Assert.StartsWith("The conversation has no user message", Assert.Throws<ArgumentException>(() => format.Render([new(ChatSpeaker.System, "Be brief.")])).Message, StringComparison.Ordinal);
    }
}
